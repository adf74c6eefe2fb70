"""Of a plan, what was chosen in ComfyUI; and what of a plan cannot be had, in words."""

from __future__ import annotations

from entrypoint.workflows.choose import chosen, problems
from entrypoint.workflows.needed import Model, Pack
from entrypoint.workflows.plan import INSTALLED, MISSING, NO_ADDRESS, REFUSED, ModelState, PackState, Plan, Room

PLAN = Plan(
    [
        ModelState(Model("a.pt", "vae"), MISSING),
        ModelState(Model("a.pt", "loras"), REFUSED, note="LoginNeeded: no token"),
        ModelState(Model("b.pt", ""), NO_ADDRESS, note="the workflow has no address of it"),
        ModelState(Model("c.pt", "vae"), INSTALLED),
    ],
    [PackState(Pack("x"), MISSING, "x@1.0"), PackState(Pack("y", kinds={"Y"}), NO_ADDRESS)],
    Room(10**12),
    ["a note"],
)


def test_what_was_not_chosen_is_left_out() -> None:
    plan = chosen(PLAN, {"vae/a.pt", "b.pt", "vae/elsewhere.pt"}, {"x@1.0", "", "z"})
    assert [each.model.dest for each in plan.models] == ["vae/a.pt", "b.pt"]
    assert [each.wanted for each in plan.packs] == ["x@1.0"]
    assert len(PLAN.models) == 4


def test_what_cannot_be_had_is_named() -> None:
    assert problems(PLAN) == [
        "loras/a.pt: LoginNeeded: no token",
        "b.pt: the workflow has no address of it",
        "y",
    ]
