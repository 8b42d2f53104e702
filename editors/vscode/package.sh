#!/usr/bin/env bash
# Makes safestep-TARGET.vsix here: the extension with the program for one platform in it.
#
#   bash editors/vscode/package.sh                      builds the program for this machine
#   bash editors/vscode/package.sh PROGRAM TARGET       takes a program as it is, for a target as linux-arm64
#
# It needs Rust and Node 20 or newer. vsce --target names the targets that there are.
set -euo pipefail
cd "$(dirname "$0")"
program=${1:-}
target=${2:-$(node -p 'process.platform + "-" + process.arch')}
if [ -z "$program" ]; then
  cargo build --release --locked --package safestep
  program=$(cargo metadata --format-version 1 --no-deps | node -p 'JSON.parse(fs.readFileSync(0)).target_directory')/release/safestep
  [[ $target != win32-* ]] || program=$program.exe
fi

rm -rf bin dist
mkdir bin
cp "$program" bin/
chmod 755 bin/*
cat ../../LICENSE-MIT <(printf '\n---\n\n') ../../LICENSE-APACHE >LICENSE.txt

[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --ignore-scripts --no-audit --no-fund --silent
npx --no-install tsc --noEmit
npm run --silent bundle -- --log-level=warning
npx --no-install vsce package --target "$target" --no-dependencies --out "safestep-$target.vsix"
