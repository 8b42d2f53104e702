#!/usr/bin/env bash
# Packages the extension with a program, and drives it in VS Code itself: code-server from npm in a headless Chromium.
#
#   bash tests/fronts/vscode.sh PROGRAM PROJECT
#
# PROJECT is changed; vscode.mjs says what must be in it. What is fetched stays in SAFESTEP_CACHE; SAFESTEP_SCREENSHOTS is a
# directory for pictures.
set -euo pipefail
program=$(realpath "$1") project=$(realpath "$2")
cd "$(dirname "$0")/../.."
cache=$(realpath -m "${SAFESTEP_CACHE:-.cache}")
case $(uname -m) in aarch64) arch=arm64 ;; *) arch=x64 ;; esac

# Each of them pinned, with the dependencies that code-server pins. Install scripts are left out: what they would compile for
# minutes are loggers, watchdogs and proxies, which code-server does without.
packages=(code-server@4.139.1 playwright-core@1.65.1 "node-linux-$arch@24.22.3")
home=$cache/npm/vscode-$(IFS=+ && printf %s "${packages[*]}" | tr / +)
if [ ! -e "$home" ]; then
  mkdir -p "$cache/npm"
  aside=$(mktemp -d "$cache/npm/aside-XXXXXX")
  install=(npm install --ignore-scripts --no-audit --no-fund --silent)
  "${install[@]}" --prefix "$aside" --no-package-lock "${packages[@]}"
  (cd "$aside/node_modules/code-server/lib/vscode" && "${install[@]}" --omit=dev)
  mv -T "$aside" "$home" 2>/dev/null || [ -e "$home" ]
fi
# Before the node of the machine, which may be too old for code-server and vsce.
export PATH="$home/node_modules/node-linux-$arch/bin:$PATH"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Most of an unoptimised program are its symbols.
strip -o "$work/safestep" "$program"
bash editors/vscode/package.sh "$work/safestep" "linux-$arch"

NODE_MODULES="$home/node_modules" VSIX="editors/vscode/safestep-linux-$arch.vsix" PROJECT="$project" WORK="$work" \
  node tests/fronts/vscode.mjs
