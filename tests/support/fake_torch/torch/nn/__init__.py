"""As much of torch.nn as the attention's probe uses."""

from torch.nn import functional as functional
