"""The doctor: `podkeeper doctor` finds the cause of what is wrong with a pod; it changes nothing.

Enters: the running pod (`system.attach`). Each row of `checks` collects facts in a process of its own (collect_*.py, A)
and evaluates them (evaluate_*.py, P). Leaves: findings in the order of causes (`finding`), as text or JSON; with
`--bundle`, an archive for a bug report (`support_bundle`).
"""
