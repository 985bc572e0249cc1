# shellcheck shell=bash
# Sourced: where the tools of CI are, and how they come there. Everything is outside of the clone and named by its
# version, so that a fresh clone on the same machine finds it again.

cache="${XDG_CACHE_HOME:-$HOME/.cache}/devloop"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=ap-northeast-2 PIP_DISABLE_PIP_VERSION_CHECK=1

# python_tools NAME: the folder of a virtual environment with .ci/requirements-NAME.txt in it.
python_tools() {
    local requirements=".ci/requirements-$1.txt" place
    place="$cache/tools/$1-$(sha256sum "$requirements" | cut -c1-12)"
    if [ ! -e "$place/complete" ]; then
        rm -rf "$place"
        python3 -m venv "$place" >&2
        "$place/bin/pip" install --quiet --requirement "$requirements" >&2
        touch "$place/complete"
    fi
    echo "$place"
}

# cargo_deny: the program, compiled once for its version.
cargo_deny() {
    local version=0.20.2 place
    place="$cache/tools/cargo-deny-$version"
    if [ ! -x "$place/bin/cargo-deny" ]; then
        cargo install --locked --quiet "cargo-deny@$version" --root "$place" --target-dir "$cache/tools/build" >&2
        rm -rf "$cache/tools/build"
    fi
    echo "$place/bin/cargo-deny"
}

# cargo_mutants: the program, compiled once for its version.
cargo_mutants() {
    local version=27.1.0 place
    place="$cache/tools/cargo-mutants-$version"
    if [ ! -x "$place/bin/cargo-mutants" ]; then
        cargo install --locked --quiet "cargo-mutants@$version" --root "$place" --target-dir "$cache/tools/build" >&2
        rm -rf "$cache/tools/build"
    fi
    echo "$place/bin/cargo-mutants"
}

# java_tools NAME: the folder with the jars of .ci/pom-NAME.xml and everything that they need.
java_tools() {
    local pom=".ci/pom-$1.xml" place
    place="$cache/tools/$1-$(sha256sum "$pom" | cut -c1-12)"
    if [ ! -e "$place/complete" ]; then
        rm -rf "$place"
        mvn --quiet --batch-mode --file "$pom" dependency:copy-dependencies \
            -DincludeScope=runtime -DoutputDirectory="$place" >&2
        touch "$place/complete"
    fi
    echo "$place"
}

# mirror PLACE: makes PLACE what the clone is, with what is not committed yet. A file that differed gets a new time and
# the others keep theirs, because cargo compares times, not contents: what was compiled there is found again.
# mirror PLACE COMMAND...: the same, after that command has changed the files of its folder.
mirror() {
    local original="$PWD" copy="$1" file
    shift
    rm -rf "$copy.new"
    mkdir -p "$copy.new" "$copy"
    git ls-files --cached --others --exclude-standard -z |
        while IFS= read -r -d '' file; do if [ -e "$file" ]; then printf '%s\0' "$file"; fi; done |
        tar -C "$original" --null --files-from - -cf - | tar -C "$copy.new" -xf -
    if [ $# -gt 0 ]; then (cd "$copy.new" && "$@"); fi
    (cd "$copy.new" && find . -type f -print0) | while IFS= read -r -d '' file; do
        if ! cmp -s "$copy.new/$file" "$copy/$file"; then
            mkdir -p "$copy/$(dirname "$file")"
            cp "$copy.new/$file" "$copy/$file"
        fi
    done
    (cd "$copy" && find . -type f -print0) | while IFS= read -r -d '' file; do
        [ -e "$copy.new/$file" ] || rm "$copy/$file"
    done
    rm -rf "$copy.new"
}
