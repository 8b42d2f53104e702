#!/usr/bin/env bash
# Times Safestep beside squawk on the same files: 2,000 small migrations, and one file of 20 MiB.
#
#   bash tests/pair-with-squawk.sh [RUNS]
#
# Both are release builds with all their rules, and run in turn, so that what else the machine does hits both. CPU is user and
# system time of the whole process; of the runs the median counts. Ratios can be compared between machines, seconds cannot.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:-5}
cache=${SAFESTEP_CACHE:-.cache}
version=2.70.0

home=$cache/python/squawk-cli==$version
[ -x "$home/bin/squawk" ] || { python3 -m venv --clear "$home" && "$home/bin/pip" install --quiet "squawk-cli==$version"; }
cargo build --quiet --release -p safestep
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo run --quiet -p safestep-tests --example generate -- "$work" 2000 $((20 << 20))

SQUAWK=$(realpath "$home/bin/squawk") SAFESTEP=$(realpath "${CARGO_TARGET_DIR:-target}/release/safestep") \
  python3 - "$work" "$runs" <<'PYTHON'
import glob, os, resource, statistics, subprocess, sys, time

work, runs = sys.argv[1], int(sys.argv[2])
programs = {"squawk": [os.environ["SQUAWK"], "--pg-version", "18"], "safestep": [os.environ["SAFESTEP"], "lint", "--pg-version", "18"]}


def once(command, directory):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    # Both say 1 for findings.
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command[0]}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


for name in ["many", "one"]:
    directory = os.path.join(work, name)
    files = sorted(os.path.relpath(path, directory) for path in glob.glob(directory + "/migrations/*.sql"))
    taken = {program: [] for program in programs}
    for run in range(runs):
        for program, command in programs.items():
            taken[program].append(once([*command, *files], directory))
    size = sum(os.path.getsize(os.path.join(directory, file)) for file in files)
    print(f"{len(files)} files, {size / 2**20:.1f} MiB, median of {runs}")
    medians = {program: [statistics.median(column) for column in zip(*times)] for program, times in taken.items()}
    for program, (cpu, wall) in medians.items():
        print(f"  {program:9} {cpu:8.2f} s CPU {wall:8.2f} s wall")
    ratio = [medians["safestep"][at] / medians["squawk"][at] for at in range(2)]
    print(f"  ratio     {ratio[0]:8.2f}       {ratio[1]:8.2f}")
PYTHON
