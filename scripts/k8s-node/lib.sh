# shellcheck shell=bash disable=SC2034
# What the commands of this folder share. Sourced, never run.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/loopledger/k8s-node
bin=$cache/bin

fail() { echo "${0##*/}: $*" >&2; exit 1; }
wrong() { echo "${0##*/}: $*" >&2; usage >&2; exit 2; }

# need_packages NAME…: installs the Debian packages that are missing.
need_packages() {
  local name missing=()
  for name in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "${0##*/}: installing ${missing[*]}" >&2
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# use_go_folder KEEP: Go's sources and its build cache get a folder inside ours, removed when the command ends unless
# KEEP is yes. One command at a time has it.
use_go_folder() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  # A module cache that can be written to can be removed; -trimpath keeps this machine's paths out of the binaries.
  export GOPATH=$cache/go GOCACHE=$cache/go/build GOFLAGS='-modcacherw -trimpath' CGO_ENABLED=0
  [ "$1" = yes ] || trap 'rm -rf "$cache/go"' EXIT
}
