from pathlib import Path

import msgspec
import pytest

from qeval.suite import Case, Check, Scenario, Suite, Target


def test_a_check_is_written_as_keywords_or_as_a_bare_word() -> None:
    assert Check(contains="Ada", weight=2).entries == {"contains": "Ada", "weight": 2}
    assert Check(not_matches="(?i)as an ai").entries == {"not-matches": "(?i)as an ai"}
    assert Check("is_json").entries == {"is_json": None}
    assert Check("not-is_json", name="no JSON").entries == {
        "not-is_json": None,
        "name": "no JSON",
    }


def test_checks_inside_a_group_are_their_entries() -> None:
    group = Check(any=[Check("is_json"), Check(all=(Check(contains="a"),))])

    assert group.entries == {"any": [{"is_json": None}, {"all": [{"contains": "a"}]}]}


def test_a_check_is_known_by_its_name_as_written_and_by_its_own() -> None:
    assert Check(not_contains="a", name="no a").known_as == {"not-contains", "no a"}
    assert Check(contains="a").known_as == {"contains"}


def test_lists_and_tuples_make_equal_values() -> None:
    one = Case(
        user=["a", {"image": "b.png"}],
        checks=[Check("is_json")],
        grid={"a": [1, 2]},
        turns=[{"user": "x", "checks": [Check("is_json")]}],
    )
    two = Case(
        user=("a", {"image": "b.png"}),
        checks=(Check("is_json"),),
        grid={"a": (1, 2)},
        turns=({"user": "x", "checks": (Check("is_json"),)},),
    )

    assert one == two
    assert isinstance(one.checks, tuple)
    assert Scenario(sweep={"top_p": [0.5]}) == Scenario(sweep={"top_p": (0.5,)})


def test_an_authored_value_takes_known_keywords_only() -> None:
    with pytest.raises(TypeError):
        Target(modle="qwen-plus")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Suite([])  # type: ignore[arg-type]


def test_a_check_survives_the_readers_of_msgspec() -> None:
    check = Check(contains="a", weight=2)

    assert msgspec.convert(msgspec.to_builtins(check), Check) == check
    assert msgspec.structs.replace(check, entries={"is_json": None}) == Check("is_json")


def test_a_suite_without_system_differs_from_one_with_none() -> None:
    assert Suite() != Suite(system=None)


def test_load_reads_a_file(tmp_path: Path) -> None:
    import qeval.loading  # noqa: F401  # gives `Suite` its reader

    (tmp_path / "s.yaml").write_text("targets: [qwen-plus]\n", encoding="utf-8")

    assert Suite.load(tmp_path / "s.yaml") == Suite(targets=["qwen-plus"])
