"""P: the outcome of a run: its exit code, its problems, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from entrypoint.models.catalogue.fit import DoesNotFit
from entrypoint.models.catalogue.manifest import BadManifest
from entrypoint.models.catalogue.wanted import BadFlags
from entrypoint.models.errors import DiskError, DownloadError
from entrypoint.models.progress import FAILED, Transfer

#: Everything is installed. Some file is unavailable. The settings or the manifest can't be used. The bundles that the
#: user named do not fit, or none does. A later run may succeed (EX_TEMPFAIL of sysexits.h): start it again.
DONE, INCOMPLETE, BAD_SETTINGS, NO_ROOM, LATER = 0, 1, 2, 3, 75
#: sysexits.h: not permitted; the environment cannot be used.
EX_NOPERM, EX_CONFIG = 77, 78
_MORE_ROOM = "switch bundles off or enlarge the volume"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run."""

    code: int  # the exit code
    problems: tuple[str, ...] = ()  # a line for each file that is missing, or each thing that is wrong
    remedy: str = ""  # what to do, for the condition
    after: float = 0.0  # seconds before which another run would fail again, as the origins say

    @property
    def state(self) -> str:
        """The last state of the record, unless the run was stopped."""
        return "complete" if self.code == DONE else "incomplete"


NOTHING_FITS = Outcome(NO_ROOM, ("models: nothing is fetched: no bundle fits, see above",), _MORE_ROOM)
STOPPED = Outcome(LATER, ("models: stopped; downloaded bytes are kept",), "start it again: podkeeper start models")


def outcome_of(transfers: list[Transfer]) -> Outcome:
    """The outcome of a run by its files, with a line per failure."""
    failed = [each for each in transfers if each.state == FAILED]
    if not failed:
        return Outcome(DONE)
    lines = tuple(each.failure_line() for each in failed)
    # One file that is gone for good must not keep the others from another try.
    again = [each.after for each in failed if each.temporary]
    remedy = (failed[0].problem or ("", "", ""))[2]
    return Outcome(LATER, lines, remedy, min(again)) if again else Outcome(INCOMPLETE, lines, remedy)


def outcome_of_error(error: BadManifest | BadFlags | DoesNotFit | DownloadError) -> Outcome:
    """The outcome of a run that an error ended before, or beside, its files."""
    if isinstance(error, DownloadError):
        again = error.temporary or isinstance(error, DiskError)
        return Outcome(LATER if again else INCOMPLETE, (str(error),), error.remedy)
    lines = tuple(str(error).splitlines())
    if isinstance(error, DoesNotFit):
        return Outcome(NO_ROOM, lines, _MORE_ROOM)
    return Outcome(BAD_SETTINGS, lines, "correct it, then start it again")
