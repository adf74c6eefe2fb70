"""Webhooks (ON_DONE, ON_PROBLEM): finished workflows, conditions and what programs report, as signed JSON by POST.

The form is that of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec 1.0.0).
"""
