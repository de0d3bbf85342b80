"""The command line under a user's mistakes, a full disk, and signals: told, never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from qeval.cli import choosing, main
from qeval.simulator import running

ROOT = Path(__file__).parents[2]

SUITE = """\
targets: [qwen-plus]
scenarios: [factual_qa]
cases:
  - id: 'c{{ n }}'
    grid: {n: [1, 2, 3]}
    user: 'Say {{ n }}.'
    checks: [contains: '{{ n }}']
"""

SCRIPT = """\
rules:
  - {match: '1', reply: '1'}
  - {match: '2', reply: '2'}
  - {match: '3', reply: '3'}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "three.yaml").write_text(SUITE)
    (tmp_path / "script.yaml").write_text(SCRIPT)
    monkeypatch.chdir(tmp_path)
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_REGION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def recorded(project: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    with running(project / "script.yaml") as base_url:
        assert run("--mode", "record", "--base-url", base_url) == 0
    capsys.readouterr()
    return project


def run(*arguments: str) -> int:
    return main(["run", "suites/three.yaml", *arguments])


def shell(line: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which `$qeval` is the command."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "qeval": f"{sys.executable} -m qeval"}
    return subprocess.run(
        ["bash", "-c", line],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def litter(project: Path) -> list[str]:
    names = [path.name for path in (project / "reports").rglob("*")]
    return [name for name in names if name.startswith(".") or name.endswith(".sorted")]


# What is typed wrongly


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["frobnicate"], "invalid choice: 'frobnicate'"),
        (["run"], "the following arguments are required: suite"),
        (["run", "--frob", "x"], "unrecognized arguments: --frob"),
        (["run", "x", "--mode", "reply"], "invalid choice: 'reply'"),
        (["run", "x", "--trials", "0"], "'0' is not a whole number from 1 to 1000000"),
        (["run", "x", "--trials", "²"], "'²' is not a whole number from 1 to 1000000"),
        (["run", "x", "--trials", "9" * 14], "is not a whole number from 1 to 1000000"),
        (["run", "x", "--limit", "-1"], "'-1' is not a whole number from 1 to 1000000"),
        (["simulate", "x", "--port", "y"], "'y' is not a port: 0 to 65535"),
        (["simulate", "x", "--port", "65536"], "'65536' is not a port"),
    ],
)
def test_an_argument_that_is_none_ends_4_with_what_and_where_to_look(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 4
    fact, hint = capsys.readouterr().err.split("\n\n")
    assert fact.startswith("qeval")
    assert told in fact
    assert hint.startswith("hint: type `qeval")
    assert hint.endswith("--help`\n")


def test_the_most_that_can_be_asked_for_is_a_number() -> None:
    assert choosing.positive("1000000") == choosing.MOST


MISTAKES: list[tuple[str, bytes | None, str]] = [
    ("suites/none.yaml", None, "suites/none.yaml: there is no such file"),
    ("suites", None, "suites: this is a folder"),
    ("suites/x.yaml", b"", "suites/x.yaml:1: the file is empty"),
    ("suites/x.yaml", b"\x96\x00\xff", "suites/x.yaml:1: not UTF-8: byte 0x96"),
    ("suites/x.yaml", b"targets: [a\ncases:\n  - {", "suites/x.yaml:"),
    ("suites/x.py", b"raise ValueError('boom')", "suites/x.py:1: ValueError: boom"),
    ("suites/x.py", b"import sys; sys.exit(3)", "suites/x.py:1: SystemExit: 3"),
    ("suites/x.py", b"def (", "suites/x.py:1: SyntaxError: invalid syntax"),
    ("suites/x.py", b"y = 1", "suites/x.py:1: no `suite = Suite("),
    ("suites/a b.yaml", SUITE.encode(), "suites/a b.yaml:1: the suite's path is its id"),
    ("n" * 300, None, "File name too long"),
]


@pytest.mark.parametrize(("suite", "data", "told"), MISTAKES)
@pytest.mark.parametrize("command", ["run", "list", "validate"])
def test_a_file_that_is_no_suite_ends_4_and_names_the_place(
    command: str,
    suite: str,
    data: bytes | None,
    told: str,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if data is not None:
        (project / suite).write_bytes(data)

    assert main([command, suite]) == 4

    said = capsys.readouterr()
    assert told in said.err
    assert said.out == ""
    assert not (project / "reports").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[tool.qeval]\nregoin = "x"\n', "pyproject.toml:2: unknown key 'regoin' in [tool.qeval]"),
        ("[tool.qeval\n", "pyproject.toml:1: not TOML"),
        ("[tool]\nqeval = 3\n", "pyproject.toml:2: [tool.qeval] wants a mapping, got 3"),
        ('[tool.qeval]\nreports = "../.."\n', "leads out of the project"),
    ],
)
@pytest.mark.parametrize("command", [("run", "suites/three.yaml"), ("report", "latest")])
def test_settings_that_are_none_end_4(
    command: tuple[str, ...],
    text: str,
    told: str,
    project: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (project / "pyproject.toml").write_text(text)

    assert main([*command]) == 4

    assert told in capsys.readouterr().err


def test_a_pyproject_whose_tool_is_no_table_has_no_settings(recorded: Path) -> None:
    (recorded / "pyproject.toml").write_text("tool = 3 # qeval\n")

    assert run() == 0


@pytest.mark.parametrize(
    "url", ["127.0.0.1:1", "ftp://x", "http://", "", "http://127.0.0.1:99999", "http://h:0/v1"]
)
def test_an_address_that_is_none_ends_4(
    url: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--mode", "live", "--base-url", url) == 4

    assert f"{url!r} is not an address" in capsys.readouterr().err


@pytest.mark.parametrize("key", ['"sk-1"', "'sk-1'", 'sk-1"'])
def test_a_key_in_quotation_marks_is_told_before_it_is_sent(
    key: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", key)

    assert run("--mode", "live") == 4

    told = capsys.readouterr()
    assert "DASHSCOPE_API_KEY begins or ends with a quotation mark" in told.err
    assert "sk-1" not in told.out + told.err


@pytest.mark.parametrize("option", ["--last-failed", "--retry-errors"])
def test_what_leans_on_a_run_says_that_there_is_none(
    option: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(option) == 4

    assert capsys.readouterr().err == (
        "there is no run 'latest' of suite 'three' below reports/\n\n"
        "hint: run a suite first: `qeval run suites/NAME.yaml`\n"
    )


def test_list_tells_of_a_name_that_nobody_has(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "suites/three.yaml", "--target", "qwen-plos"]) == 5

    told = capsys.readouterr().err
    assert "no target is called 'qwen-plos'; did you mean 'qwen-plus'?" in told


# Runs that are damaged


DAMAGES: list[tuple[str, Callable[[list[bytes]], bytes], str]] = [
    ("empty", lambda _: b"", "run.jsonl:1: not a line of a run file"),
    ("binary", lambda _: b"\x00\xff\x80", "run.jsonl:1: not a line of a run file"),
    ("a list", lambda _: b"[1]\n", "run.jsonl:1: not a line of a run file"),
    ("a line", lambda held: b"".join([*held[:3], b"{{{\n", *held[3:]]), "run.jsonl:4: not a line"),
    (
        "cut between lines",
        lambda held: b"".join(held[:-1]),
        "run.jsonl is cut short: 2 of 3 trials",
    ),
    ("cut in a line", lambda held: b"".join(held)[:-9], "run.jsonl is cut short: 2 of 3 trials"),
    (
        "a later schema",
        lambda held: held[0].replace(b'"schema":1', b'"schema":99') + b"".join(held[1:]),
        "run.jsonl is of schema 99; this qeval reads 1",
    ),
]


@pytest.mark.parametrize(
    ("how", "told"), [(how, told) for _, how, told in DAMAGES], ids=[name for name, _, _ in DAMAGES]
)
def test_a_damaged_run_is_told_by_whatever_reads_it(
    how: Callable[[list[bytes]], bytes],
    told: str,
    recorded: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (path,) = recorded.glob("reports/three/*/run.jsonl")
    path.write_bytes(how(path.read_bytes().splitlines(keepends=True)))

    for command in (["report", "latest"], ["report", str(path)], ["list", "suites/three.yaml"]):
        extra = ["--last-failed"] if command[0] == "list" else []
        assert main([*command, *extra]) == 4
        said = capsys.readouterr().err
        assert f"{path.parent.name}/{told}" in said or told in said
        assert "hint: " in said


# Where nothing can be written


def test_a_file_in_the_place_of_reports_ends_4_before_anything_is_asked(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (recorded / "reports").rename(recorded / "old")
    (recorded / "reports").write_text("")

    assert run() == 4

    assert capsys.readouterr().err.startswith(
        "cannot write reports/three: Not a directory\n\nhint:"
    )


def test_a_replay_that_cannot_be_kept_leaves_nothing_half_done(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    (folder,) = [p for p in (recorded / "reports/three").iterdir() if "T" not in p.name]
    for path in folder.iterdir():
        path.unlink()
    (folder / "run.jsonl").mkdir()
    capsys.readouterr()

    assert run() == 4

    assert "cannot write reports/three/" in capsys.readouterr().err
    assert litter(recorded) == []


@pytest.mark.parametrize("asking", ["replay", "record"])
def test_a_full_disk_is_told_as_that_and_leaves_nothing_half_done(
    asking: str, recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **options: object) -> object:
        target = Path("/dev/full") if mode == "w+b" else path
        return opened(target, mode, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", full)

    assert run("--mode", asking) == 4

    told = capsys.readouterr().err
    assert "cannot write reports/three/" in told or "cannot write three/" in told
    assert "No space left on device" in told
    assert litter(recorded) == []


@pytest.mark.parametrize("place", ["cassettes", "cassettes/three", "cassettes/three/qwen-plus"])
def test_a_file_in_the_place_of_a_cassette_folder_is_a_miss_that_says_so(
    place: str, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (recorded / place).rename(recorded / "old")
    (recorded / place).write_text("")

    assert run() == 4

    told = capsys.readouterr()
    assert "cannot read cassettes/three/qwen-plus/c1.yaml: Not a directory" in told.out
    assert "3 trials could not be replayed: 3 damaged" in told.err


def test_the_hint_for_a_damaged_cassette_is_one_that_mends_it(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recorded / "cassettes/three/qwen-plus/c1.yaml"
    path.write_text("")

    assert run() == 4

    told = capsys.readouterr().err
    assert "1 trial could not be replayed: 1 damaged" in told
    assert (
        "hint: mend or delete the damaged files, then type `qeval run suites/three.yaml --mode record`"
        in told
    )
    path.unlink()
    with running(recorded / "script.yaml") as base_url:
        assert run("--mode", "record", "--base-url", base_url) == 0
    assert run() == 0


@pytest.mark.parametrize("folder", ["suites/three.yaml", "suites/three.yaml/x"])
def test_init_where_no_folder_can_be_says_so(
    folder: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", folder]) == 4

    told = capsys.readouterr().err
    assert told.startswith(f"cannot write {folder}/suites/first.yaml: Not a directory\n\nhint: ")


def test_init_twice_touches_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "new"]) == 0
    (project / "new/suites/first.yaml").write_text("mine")

    assert main(["init", "new"]) == 4

    assert "there already" in capsys.readouterr().err
    assert (project / "new/suites/first.yaml").read_text() == "mine"


def test_what_init_writes_records_replays_and_passes_its_test(project: Path) -> None:
    new = project / "new"
    assert main(["init", str(new)]) == 0
    os.chdir(new)  # the fixture's monkeypatch goes back
    with running(new / "suites/first.simulator.yaml") as base_url:
        arguments = ["run", "suites/first.yaml", "--mode", "record", "--base-url", base_url]
        assert main(arguments) == 0
    assert main(["run", "suites/first.yaml"]) == 0

    done = shell(f"{sys.executable} -m pytest -q tests", new)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert (new / "tests/test_first.py").read_text().count("import") == 1


# Streams


NOISY = """\
from qeval import Case, Check, Suite
print("loading")
suite = Suite(
    targets=["qwen-plus"], scenarios=["factual_qa"],
    cases=[Case(id="c1", user="Say 1.", checks=[Check(python="judge.py:judge")])],
)
"""
JUDGE = 'def judge(value, evidence):\n    print("judging")\n    return True\n'


def test_json_is_all_that_stdout_holds_even_where_a_suite_prints(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "suites/noisy.py").write_text(NOISY)
    (project / "suites/judge.py").write_text(JUDGE)
    with running(project / "script.yaml") as base_url:
        main(["run", "suites/noisy.py", "--mode", "record", "--base-url", base_url])
    capsys.readouterr()

    for command in ("run", "list"):
        assert main([command, "suites/noisy.py", "--json"]) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)
        assert "loading" in told.err
    assert main(["report", "latest", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["suite"] == "noisy"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("$qeval run suites/three.yaml | head -1; exit ${PIPESTATUS[0]}", 0),
        ("$qeval schema | true; exit ${PIPESTATUS[0]}", 0),
        ("$qeval run suites/three.yaml >&-", 0),
        ("$qeval run suites/three.yaml 2>&-", 0),
        ("$qeval run suites/three.yaml >&- 2>&-", 0),
        ("$qeval run suites/three.yaml >/dev/full", 4),
        ("$qeval run suites/none.yaml 2>/dev/full", 4),
        ("NO_COLOR=1 COLUMNS=40 $qeval run suites/three.yaml", 0),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 $qeval run suites/three.yaml", 0),
        ("PYTHONIOENCODING=ascii $qeval report latest", 0),
        ("COLUMNS=-5 $qeval --help", 0),
    ],
)
def test_a_stream_that_is_closed_full_or_ascii_is_no_reason_to_fall(
    line: str, code: int, recorded: Path
) -> None:
    done = shell(line, recorded)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_with_stderr_closed_stdout_holds_the_table_alone(recorded: Path) -> None:
    whole = shell("$qeval run suites/three.yaml --json", recorded)
    without = shell("$qeval run suites/three.yaml --json 2>&-", recorded)

    assert without.stdout == whole.stdout
    assert json.loads(without.stdout)


def test_a_reader_who_goes_away_does_not_make_a_failed_run_pass(recorded: Path) -> None:
    suite = recorded / "suites/three.yaml"
    suite.write_text(suite.read_text().replace("contains: '{{ n }}'", "contains: never"))
    # 200 kB, so that the pipe is full long before all is printed
    line = "$qeval run suites/three.yaml --json | { head -c 1 >/dev/null; }; echo ${PIPESTATUS[0]}"

    assert shell(line, recorded).stdout == "1\n"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("three", "did you mean 'suites/three.yaml'?"),
        ("suites/thre.yaml", "did you mean 'suites/three.yaml'?"),
        ("suites/zzz.yaml", "suites here are suites/three.yaml"),
        ("nowhere/x.yaml", "begin with `qeval init FOLDER`"),
        ("suites", "name one suite file in it: suites/three.yaml"),
    ],
)
def test_a_suite_that_is_not_there_is_answered_with_those_that_are(
    typed: str, hint: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", typed]) == 4

    assert capsys.readouterr().err.endswith(f"\n\nhint: {hint}\n")


def test_a_gate_without_anything_to_compare_with_is_refused(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--fail-on", "worse") == 4

    assert "hint: add `--baseline`" in capsys.readouterr().err


def test_links_in_a_circle_and_what_is_no_file_are_told(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "suites/round.yaml").symlink_to("round.yaml")
    os.mkfifo(project / "suites/pipe.yaml")

    assert main(["validate", "suites/round.yaml", "suites/pipe.yaml"]) == 4

    told = capsys.readouterr().err
    assert told.startswith("suites/round.yaml: ")
    assert told.endswith("suites/pipe.yaml: this is no regular file\n\nhint: name a suite file\n")


def test_a_fault_of_qevals_own_ends_3(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("qeval.session.prepare", broken)

    assert main(["validate", "suites/three.yaml"]) == 3

    told = capsys.readouterr().err
    assert "a fault of qeval's own" in told
    assert "RuntimeError: a fault" in told


# Signals


@pytest.mark.parametrize("started", ["", "trap '' INT; "], ids=["in front", "behind, as by &"])
def test_sigterm_ends_a_recording_as_ctrl_c_does(project: Path, started: str) -> None:
    (project / "script.yaml").write_text("rules: [{match: '.', reply: '1', latency_s: 0.05}]\n")
    numbers = ", ".join(map(str, range(100)))
    (project / "suites/three.yaml").write_text(SUITE.replace("1, 2, 3", numbers))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with running(project / "script.yaml") as base_url:
        command = f"{sys.executable} -m qeval run suites/three.yaml --mode record --concurrency 2"
        process = subprocess.Popen(
            ["bash", "-c", f"{started}exec {command} --base-url {base_url}"],
            cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        folder = project / "cassettes/three/qwen-plus"
        deadline = time.monotonic() + 20
        while len(list(folder.glob("*.yaml"))) < 5 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)

    assert process.returncode == 2, told
    assert b"interrupted; what had ended is kept" in told
    assert b"Traceback" not in told
    assert litter(project) == []
    (page,) = project.glob("reports/three/*/report.html")
    assert page.stat().st_size > 1000


HALF_WRITTEN = """\
import signal
import sys
from qeval.cli import main
from qeval.store import write_baseline

def pieces(*_, **__):
    yield b"x" * 2_000_000
    signal.raise_signal(signal.{name})
    yield b"y"

sys.modules[write_baseline.__module__]._pieces = pieces
raise SystemExit(main(["baseline", "set", "latest"]))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_baseline_that_a_signal_cuts_short_leaves_no_file(recorded: Path, name: str) -> None:
    assert run() == 0

    done = subprocess.run(
        [sys.executable, "-c", HALF_WRITTEN.format(name=name)],
        cwd=recorded, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (2, "interrupted\n")
    assert [path.name for path in (recorded / "reports/baselines").iterdir()] == []


def test_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    main(["schema"])

    assert signal.getsignal(signal.SIGTERM) is before


def no_room(*words: str) -> str:
    """A program that is qeval with room for not one byte in any file."""
    return (
        "import resource, signal, sys\n"
        "from qeval.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        f"raise SystemExit(main({list(words)!r}))\n"
    )


def without_room(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", no_room(*words)],
        cwd=project, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_paid_run_without_room_for_its_header_leaves_no_run_that_none_can_read(
    recorded: Path,
) -> None:
    shutil.rmtree(recorded / "reports")
    with running(recorded / "script.yaml") as base_url:
        done = without_room(
            recorded, "run", "suites/three.yaml", "--mode", "live", "--base-url", base_url
        )

    assert done.returncode == 4, done.stderr
    assert "File too large" in done.stderr
    assert list((recorded / "reports/three").iterdir()) == []


def test_init_without_room_leaves_nothing_that_the_next_try_trips_over(tmp_path: Path) -> None:
    done = without_room(tmp_path, "init")

    assert done.returncode == 4
    assert done.stderr.startswith("cannot write suites/first.yaml: File too large\n\nhint: ")
    assert main(["init", str(tmp_path)]) == 0
