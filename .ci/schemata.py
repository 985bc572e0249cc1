#!/usr/bin/env python3
"""Mutant schemata: all mutants of cargo-mutants in one build, so that judging one costs a run of tests and no compiler.

Every function that has mutants becomes a `match` on the number of the mutant that is on: each has an arm with the
whole body as it is changed, and `_` the body as it stands. The number comes from the environment of a test run. So
nothing is left out that cargo-mutants would change, and what is compiled for one mutant is what it would compile.

    schemata.py plant LIST RESULTS        changes the sources in this folder, a copy of the project
    schemata.py unviable LIST MESSAGES    the mutants that a build's errors are in, as lines of RESULTS
    schemata.py judge LIST RESULTS MESSAGES MINUTES   runs the tests for the mutants whose names come in

LIST is what `cargo mutants --list --json` says. RESULTS has a line for each mutant: its outcome and its name.
MESSAGES are those of cargo's build.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SWITCH = """//! Which mutant is on; 0 is none.

use std::sync::LazyLock;

pub fn active() -> u32 {
    static ACTIVE: LazyLock<u32> =
        LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or_default());
    *ACTIVE
}
"""

ORDERS = """console_cancels deposits free_orders integrity orders overtaken payments refund_accounts refunds sale standing_charges statements
steps strays transactions waitlist""".split()
ORDERS = [f"flows::{flow}" for flow in ORDERS]
# What judges, one after the other until one fails: a target of the build, and what it is started with. First what
# finds most in the least time.
JUDGES = [
    (("storage", "unit tests"), []),
    (("fn_orders", "unit tests"), []),
    (("it", "tests"), [*ORDERS, "pages::", "patience::"]),
    (("sim", "unit tests"), ["tests::"]),
    # So many, because a range of these fails, too, if it never meets one of the faults, ends or alarms.
    (("sim", "program"), "seeds --from 0 --to 300 --threads 1".split()),
    (("it", "tests"), ["flows::", *(part for flow in ORDERS for part in ("--skip", flow))]),
    (("it", "tests"), ["faults"]),
]
FAILED = re.compile(rb"^test .* FAILED$|^seed \d+(:| panics)")
# As many at once as there are cores. Each run has some threads more, because a test may wait for what never comes.
AT_ONCE = int(os.environ.get("AT_ONCE", "2"))
LEAST_PATIENCE_SECONDS = 60
MOST_SECONDS = 3600


def place(text, position):
    """Where a line and column, which both begin at 1, are in the text."""
    line = 0
    for _ in range(position["line"] - 1):
        line = text.index("\n", line) + 1
    return line + position["column"] - 1


def braces(text, span):
    """Where the body of a function begins and ends. Its comments and attributes, which come first, may have braces."""
    start, end = place(text, span["start"]), place(text, span["end"])
    heading = re.compile(r"\s*(//[^\n]*\n|#\[[^\n]*\]\n)")
    while comment := heading.match(text, start):
        start = comment.end()
    return text.index("{", start), end - 1


def planted(text, functions):
    """The text with all mutants of these functions."""
    for span, mutants in sorted(functions.items(), reverse=True):
        opening, closing = braces(text, mutants[0][1]["function"]["span"])
        of_type = mutants[0][1]["function"]["return_type"].removeprefix("-> ")

        def block(body):
            # The bodies have different types where the function does not name its own.
            if of_type.startswith("impl "):
                return f"Box::new({{{body}\n}}) as Box<dyn {of_type.removeprefix('impl ')} + Send>"
            return f"{{{body}\n}}"

        arms = []
        for number, mutant in mutants:
            start, end = place(text, mutant["span"]["start"]), place(text, mutant["span"]["end"])
            body = text[opening + 1 : start] + mutant["replacement"] + " " + text[end:closing]
            arms.append(f"/*mutant {number}*/ {number} => {block(body)},\n")
        arms.append(f"/*mutant */ _ => {block(text[opening + 1 : closing])},\n")
        text = f"{text[:opening]}{{ match crate::schemata::active() {{\n{''.join(arms)}}} }}{text[closing + 1:]}"
    return text


def plant(mutants, results):
    dropped = {name for name, word in outcomes(results).items() if word == "unviable"}
    files = {}
    for number, mutant in enumerate(mutants, 1):
        if mutant["name"] not in dropped:
            start = mutant["function"]["span"]["start"]
            of_file = files.setdefault(mutant["file"], {})
            of_file.setdefault((start["line"], start["column"]), []).append((number, mutant))
    for file, functions in files.items():
        Path(file).write_text(planted(Path(file).read_text(), functions))
    for source in {file[: file.index("/src/") + 5] for file in files}:
        Path(source, "schemata.rs").write_text(SWITCH)
        with Path(source, "lib.rs").open("a") as library:
            library.write("\nmod schemata;\n")


def unviable(mutants, messages):
    """The names of the mutants in whose arms errors are."""
    found = set()
    for message in (said["message"] for said in messages if said["reason"] == "compiler-message"):
        if message["level"] != "error" or not message["spans"]:
            continue
        spans = [span for span in message["spans"] if span["is_primary"]]
        numbers = set()
        while spans:
            span = spans.pop()
            if span.get("expansion"):
                spans.append(span["expansion"]["span"])
            if Path(span["file_name"]).is_file():
                before = Path(span["file_name"]).read_bytes()[: span["byte_start"]]
                numbers |= {int(number) for number in re.findall(rb"/\*mutant (\d*)\*/", before)[-1:] if number}
        if not numbers:
            sys.exit("this is the fault of no mutant:\n" + message["rendered"])
        found |= {mutants[number - 1]["name"] for number in numbers}
    return sorted(found) or sys.exit("the build failed, and no message says where")


def outcomes(results):
    lines = Path(results).read_text().splitlines() if Path(results).exists() else []
    return {name: word for word, name in (line.split(" ", 1) for line in lines if line)}


def passes(program, arguments, number, patience):
    """Whether the tests pass with this mutant on; `None` if they do not end. Nothing is run after the first failure."""
    environment = os.environ | {"MUTANT": str(number), "RUST_TEST_THREADS": "4", "RUST_MIN_STACK": str(64 << 20)}
    late = []
    with subprocess.Popen(
        [program, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:

        def end():
            late.append(True)
            os.killpg(run.pid, signal.SIGKILL)

        timer = threading.Timer(patience, end)
        timer.start()
        failed = False
        for line in run.stdout:
            if FAILED.search(line.rstrip()):
                failed = True
                os.killpg(run.pid, signal.SIGKILL)
                break
        status = run.wait()
        timer.cancel()
    if failed:
        return False
    return None if late else status == 0


def judge(mutants, results, messages, minutes):
    def record(word, number):
        # One line in one write, so that no two threads mix theirs.
        with Path(results).open("a") as file:
            file.write(f"{word} {mutants[number - 1]['name']}\n")

    ends = time.monotonic() + 60 * minutes
    programs = {}
    for said in messages:
        if said["reason"] == "compiler-artifact" and said["executable"]:
            tests = "tests" if said["target"]["kind"] == ["test"] else "unit tests"
            programs[said["target"]["name"], tests if said["profile"]["test"] else "program"] = said["executable"]
    wanted = set(sys.stdin.read().splitlines()) - outcomes(results).keys()
    left = {number: "missed" for number, mutant in enumerate(mutants, 1) if mutant["name"] in wanted}
    for target, arguments in JUDGES:
        program = programs[target]
        began = time.monotonic()
        if not passes(program, arguments, 0, MOST_SECONDS):
            sys.exit(f"{target} {arguments} fail without any mutant: nothing can be learnt")
        seconds = time.monotonic() - began

        def decide(number):
            if time.monotonic() > ends:
                return
            passed = passes(program, arguments, number, max(LEAST_PATIENCE_SECONDS, 5 * seconds))
            if passed is None:
                left[number] = "timeout"
            elif not passed:
                del left[number]
                record("caught", number)

        with ThreadPoolExecutor(AT_ONCE) as workers:
            list(workers.map(decide, list(left)))
        if time.monotonic() > ends:
            return
        print(f"{' '.join([*target, *arguments])[:60]}: {seconds:.1f} s each, {len(left)} left", flush=True)
    for number, word in left.items():
        record(word, number)


def main():
    verb, listed, *paths = sys.argv[1:]
    mutants = json.loads(Path(listed).read_text())
    if verb == "plant":
        plant(mutants, *paths)
        return
    *others, messages = paths if verb == "unviable" else paths[:-1]
    messages = [json.loads(line) for line in Path(messages).read_text().splitlines() if line.startswith("{")]
    if verb == "unviable":
        print("\n".join(f"unviable {name}" for name in unviable(mutants, messages)))
    elif verb == "judge":
        judge(mutants, others[0], messages, float(paths[-1]))


if __name__ == "__main__":
    main()
