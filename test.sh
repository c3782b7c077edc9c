#!/usr/bin/env bash
# Passes every check and test. On Debian as root it installs what the tests need beside Rust, git and the OpenSSH client:
# browsers, PostgreSQL, bubblewrap, Docker's engine, an SSH server and Python with venv. Elsewhere, without them, the tests that need them say that they are skipped
# (with CI=true that is a failure).
set -euo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }

have() { command -v "$1" >/dev/null 2>&1; }

install_what_is_missing() {
    local wanted=()
    have chromedriver || wanted+=(chromium chromium-driver)
    [ -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)" ] || wanted+=(postgresql)
    [ -x /usr/sbin/sshd ] || wanted+=(openssh-server)
    have ssh || wanted+=(openssh-client)
    have git || wanted+=(git)
    have bwrap || wanted+=(bubblewrap)
    have dockerd || wanted+=(docker.io)
    dpkg -s busybox-static >/dev/null 2>&1 || wanted+=(busybox-static)
    have curl || wanted+=(curl)
    have cc || wanted+=(gcc libc6-dev)
    have c++ || wanted+=(g++)
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || wanted+=(python3-venv)
    # Firefox is driven by what it speaks itself: no geckodriver is needed. Where no package brings it, its test says that it is skipped.
    have firefox-esr || have firefox || wanted+=(firefox-esr)
    if [ "${#wanted[@]}" -gt 0 ] && have apt-get && [ "$(id -u)" = 0 ]; then
        say "installing ${wanted[*]}"
        apt-get update -qq
        if [[ " ${wanted[*]} " == *" firefox-esr "* ]] && [ -z "$(apt-cache madison firefox-esr 2>/dev/null)" ]; then
            wanted=("${wanted[@]/firefox-esr/}")
        fi
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${wanted[*]} >/dev/null
    fi
}

# A PostgreSQL of the tests' own, in a temporary directory, on a free port, without syncing to the disk.
start_postgres() {
    # Not local: the trap needs them when the script ends.
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1) || true
    [ -n "$bin" ] || { say "PostgreSQL is not installed: its half of the store's tests is skipped"; return; }
    postgres_dir=$(mktemp -d)
    as=()
    if [ "$(id -u)" = 0 ]; then
        id postgres >/dev/null 2>&1 || useradd --system postgres
        chown postgres "$postgres_dir"
        as=(runuser -u postgres --)
    fi
    local port
    port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])' 2>/dev/null || echo 54329)
    "${as[@]}" "$bin/initdb" -D "$postgres_dir/data" -A trust -U postgres --no-sync >/dev/null
    "${as[@]}" "$bin/pg_ctl" -D "$postgres_dir/data" -w -l "$postgres_dir/log" \
        -o "-p $port -c listen_addresses=127.0.0.1 -k $postgres_dir -c fsync=off -c max_connections=300" start >/dev/null
    export PIPEWRIGHT_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port"
    "${as[@]}" "$bin/createdb" -h 127.0.0.1 -p "$port" -U postgres whole_server
    export PIPEWRIGHT_TEST_EMPTY_POSTGRES="$PIPEWRIGHT_TEST_POSTGRES/whole_server"
    stop_postgres() { "${as[@]}" "$bin/pg_ctl" -D "$postgres_dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$postgres_dir"; }
    trap stop_postgres EXIT
}

# Whether it does more than answer: a machine may keep from it what containers need.
engine_runs_containers() {
    local docker=(docker -H "unix://$engine_dir/sock")
    tar -c -C /usr/bin busybox | "${docker[@]}" import - pipewright-test/trial:1 >/dev/null 2>>"$engine_dir/log" &&
        "${docker[@]}" run --rm -m 64m pipewright-test/trial:1 /busybox true >/dev/null 2>>"$engine_dir/log"
}

# A Docker engine of the tests' own. Its images are made by the tests; nothing is pulled.
start_engine() {
    { have dockerd && [ "$(id -u)" = 0 ]; } || { say "there is no Docker engine to start: the tests of containers are skipped"; return; }
    engine_dir=$(mktemp -d)
    dockerd --default-ulimit nofile=1024:4096 --data-root "$engine_dir/data" --exec-root "$engine_dir/exec" \
        --pidfile "$engine_dir/pid" -H "unix://$engine_dir/sock" >"$engine_dir/log" 2>&1 &
    engine_process=$!
    # What ends the script says how it ended; nothing here may.
    stop_engine() { kill "$engine_process" 2>/dev/null || true; wait "$engine_process" 2>/dev/null || true; rm -rf "$engine_dir" || true; }
    trap '{ declare -F stop_postgres >/dev/null && stop_postgres; } || true; stop_engine' EXIT
    for _ in $(seq 100); do
        if curl -s --unix-socket "$engine_dir/sock" http://engine/_ping >/dev/null; then
            if engine_runs_containers; then
                export PIPEWRIGHT_TEST_ENGINE="$engine_dir/sock"
            else
                say "Docker's engine starts no container here: the tests of containers are skipped"
            fi
            return
        fi
        sleep 0.2
    done
    say "Docker's engine does not start here: the tests of containers are skipped"
    tail -n 5 "$engine_dir/log"
}

# axe-core judges pages in the browser's tests. It is not part of this repository: npm brings it into the user's cache.
bring_axe() {
    local cache="${HOME:-/root}/.cache/pipewright-test"
    [ -f "$cache/node_modules/axe-core/axe.min.js" ] && return
    have npm || { say "npm is not installed: axe-core's part of the browser's tests is skipped"; return; }
    mkdir -p "$cache"
    npm install --prefix "$cache" --no-audit --no-fund --silent axe-core@4 || say "axe-core cannot be fetched: its part of the browser's tests is skipped"
}

install_what_is_missing
bring_axe
start_postgres
start_engine

say "format"
cargo fmt --all --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
say "tidy"
cargo xtask tidy
say "lints"
cargo clippy --workspace --all-targets --all-features --locked --quiet -- -D warnings
say "lints of what people build: with the demonstration, and without"
# For the whole workspace, so that both share what they depend on.
cargo clippy --workspace --locked --quiet -- -D warnings
cargo clippy --workspace --exclude pipewright-bench --locked --quiet --no-default-features -- -D warnings
if have cargo-deny; then
    say "licences, bans and sources"
    cargo deny --locked check bans licenses sources
else
    say "licences, bans and sources: skipped, cargo-deny is not installed"
fi
say "tests"
cargo test --workspace --all-features --locked --no-fail-fast
say "chaos"
# Half a minute of it; by hand, with more: cargo xtask chaos --rounds 500.
cargo xtask chaos --rounds 24 --seed 5
say "fuzz"
# Whoever is at work waits for ten seconds of it, the CI for half a minute.
cargo xtask fuzz --seconds "$([ "${CI:-}" = true ] && echo 30 || echo 10)"
