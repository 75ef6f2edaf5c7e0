#!/bin/bash
# tests/debian/fetch.sh PACKAGE - fetches a Debian package by name for riscv64 and for amd64, from one suite, and
# unpacks both under ${REMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/remu}/debian. Prints one line per architecture: ARCH
# VERSION FOLDER. A cached package is not fetched again unless REMU_DEBIAN_UPDATE=1 is set.
#
# tests/debian/fetch.sh --newest PACKAGE [PROGRAM...] - fetches the newest version in the archive (SUITE: sid) for
# amd64, with all its dependencies, and unpacks them into one folder. The tool runs from there on any host. If programs
# are named, only these and those of earlier calls are kept of the package's own programs; otherwise all. The folder's
# file .kept contains the version in its first line, then these names.
#
# tests/debian/fetch.sh --root LIST - makes one root file system for riscv64 and one for amd64, from one suite, with the
# packages in the file LIST and all their dependencies. No maintainer script runs; this script does the part of their
# work that the programs need. Prints ARCH SUITE FOLDER for both, then each package in LIST with its two versions.
#
# tests/debian/fetch.sh --kernel - fetches the Linux kernel of riscv64 that linux-image-riscv64 names, from one suite.
# Prints: riscv64 VERSION FOLDER. The folder's file Image is the kernel, not compressed.
#
# A cached folder is complete or absent, even after an interrupted run: a folder is filled under another name, and the
# file that marks it complete is written last and removed first.
#
# Works with apt's own tools on private state: it neither reads nor changes the host's package database, and needs no
# privilege. SUITE chooses the suite (default: forky, or sid if forky is unavailable); MIRROR the archive (default: the
# one apt is configured with).
set -euo pipefail
mode=package
case ${1:-} in --newest | --root | --kernel)
    mode=${1#--}
    shift
    ;;
esac
if [ "$mode" = kernel ]; then
    package=linux-image
else
    package=$1
    shift
fi
cache=${REMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/remu}/debian
mkdir -p "$cache"
cache=$(realpath "$cache")
exec 9>"$cache/lock"
flock 9

fail() {
    echo "tests/debian/fetch.sh: $*" >&2
    exit 1
}
for tool in apt-get dpkg-deb flock; do
    command -v "$tool" >/dev/null || fail "$tool is not installed: the packages are fetched with Debian's own tools"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || fail "$keyring is missing: apt-get install debian-archive-keyring"

# retry COMMAND...: repeats a command that a network failure may affect
retry() {
    local n
    for n in 1 2 3; do
        "$@" >&2 && return 0
        [[ $mirror != file:* ]] || return 1
        [ "$n" = 3 ] || sleep $((n * 3))
    done
    return 1
}

# Determined before APT_CONFIG points to the private state.
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
    grep -v security | sort -u | head -1 || true)}

# prepare SUITE ARCH: apt's private state, with a fresh index
prepare() {
    local suite=$1 arch=$2 work=$cache/$1/$2
    [ -n "$mirror" ] || fail "apt knows no Debian mirror: run 'apt-get update' once as root, or set MIRROR"
    mkdir -p "$work"/{lists/partial,cache/archives/partial,state}
    : >"$work/state/status"
    echo "deb [arch=$arch signed-by=$keyring] $mirror $suite main" >"$work/sources.list"
    cat >"$work/apt.conf" <<END
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "0";
APT::Sandbox::User "";
Dir::State "$work/state";
Dir::State::Lists "$work/lists";
Dir::State::status "$work/state/status";
Dir::Cache "$work/cache";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "1";
END
    export APT_CONFIG=$work/apt.conf
    # Indexes are large; one of the last ten hours is good enough.
    if [ -n "${REMU_DEBIAN_UPDATE:-}" ] || [ -z "$(find "$work/lists" -maxdepth 1 -name '*Packages*' -mmin -600)" ]; then
        retry apt-get update -qq --error-on=any || return 1
    fi
}

# fetch SUITE ARCH: fetches and unpacks the package, and records its version
fetch() {
    local work=$cache/$1/$2
    prepare "$1" "$2" || return 1
    (cd "$work/cache/archives" && rm -f "${package}"_*.deb && retry apt-get download -qq "$package") || return 1
    local deb version
    deb=$(ls "$work/cache/archives/${package}"_*.deb | head -1)
    version=$(dpkg-deb --field "$deb" Version)
    rm -rf "$work/$package.new"
    dpkg-deb --extract "$deb" "$work/$package.new"
    replace
    rm -f "$deb"
    echo "$version" >"$work/$package.version"
}

# replace: replaces $work/$package by $work/$package.new
replace() {
    rm -rf "$work/$package.old"
    [ ! -e "$work/$package" ] || mv "$work/$package" "$work/$package.old"
    mv "$work/$package.new" "$work/$package"
    rm -rf "$work/$package.old"
}

# download PACKAGE...: fetches these packages and their dependencies into $work/cache/archives, and prints their names
download() {
    # An empty archive folder makes apt list all files, not only those still to be fetched.
    mkdir -p "$work/none/partial"
    apt-get -qq --print-uris -oDir::Cache::archives="$work/none" install "$@" | awk '{print $2}' || return 1
    retry apt-get install -qq -y -d "$@"
}

# unpack DEB FOLDER [MEMBER...]
unpack() {
    dpkg-deb --fsys-tarfile "$work/cache/archives/$1" | tar -x -C "$2" --keep-directory-symlink -f - "${@:3}"
}

# fetch_tool SUITE ARCH [PROGRAM...]: a package and its dependencies in one folder
fetch_tool() {
    local work=$cache/$1/$2 deb debs
    prepare "$1" "$2" || return 1
    debs=$(download "$package") || return 1
    rm -rf "$work/$package.new"
    mkdir -p "$work/$package.new"
    for deb in $debs; do
        local members=()
        case $deb in "${package}"_*)
            { dpkg-deb --field "$work/cache/archives/$deb" Version && printf '%s\n' "${@:3}"; } >"$work/$package.new/.kept"
            members=("${@:3}")
            ;;
        esac
        unpack "$deb" "$work/$package.new" "${members[@]/#/./usr/bin/}" || return 1
    done
    replace
    rm -f "$work"/cache/archives/*.deb
}

# keeps PROGRAM...: whether the cached tool has these programs; without a name, whether it has all
keeps() {
    local kept=$work/$package/.kept program
    [ -s "$kept" ] || return 1
    # A file with only a version means all programs.
    [ -n "$(sed -n 2p "$kept")" ] || return 0
    [ $# -gt 0 ] || return 1
    for program; do sed 1d "$kept" | grep -qxF -- "$program" || return 1; done
}

# named: the packages of $list. {NAME} stands for the package NAME.NUMBER that NAME depends on.
named() {
    local word name actual
    for word in $list; do
        if [[ $word = *{*}* ]]; then
            name=${word#*\{}
            name=${name%\}*}
            actual=$(apt-cache depends "$name" | sed -n "s/.*Depends: \($name\.[0-9]*\)\$/\1/p" | head -1)
            [ -n "$actual" ] || return 1
            word=${word/\{$name\}/$actual}
        fi
        echo "$word"
    done
}

# fetch_root SUITE ARCH: makes the root of the packages in $list; writes their versions last
fetch_root() {
    local work=$cache/$1/$2 root=$cache/$1/$2/$package.new wanted name deb debs dir
    prepare "$1" "$2" || return 1
    wanted=$(named) || return 1
    debs=$(download $wanted) || return 1
    # Remove the roots of older lists.
    rm -f "${work:?}/${package%-*}"-*.version
    rm -rf "${work:?}/${package%-*}"-*
    # /usr is merged first, so that a package's files in /bin or /lib go there.
    mkdir -p "$root"/usr/{bin,sbin,lib} "$root"/{dev,etc,in,proc,root,run,sys,tmp,work}
    for dir in bin sbin lib; do ln -s "usr/$dir" "$root/$dir"; done
    for deb in $debs; do unpack "$deb" "$root" || return 1; done
    for dir in passwd group; do
        [ -e "$root/etc/$dir" ] || cp "$root/usr/share/base-passwd/$dir.master" "$root/etc/$dir" || return 1
    done
    echo "passwd: files
group: files
hosts: files" >"$root/etc/nsswitch.conf"
    echo "127.0.0.1 localhost" >"$root/etc/hosts"
    mv "$root" "$work/$package" || return 1
    (cd "$work/cache/archives" && for name in $wanted; do dpkg-deb --show --showformat '${Package} ${Version}\n' "${name}"_*.deb; done) |
        sort >"$work/$package.version"
    rm -f "$work"/cache/archives/*.deb
}

# fetch_kernel SUITE: fetches the kernel; its name contains its version, which linux-image-riscv64 depends on
fetch_kernel() {
    local work=$cache/$1/riscv64 version deb image
    prepare "$1" riscv64 || return 1
    version=$(apt-cache depends linux-image-riscv64 | sed -n 's/.*Depends: linux-image-\([0-9].*\)$/\1/p' | head -1)
    [ -n "$version" ] || return 1
    (cd "$work/cache/archives" && rm -f linux-binary-*.deb && retry apt-get download -qq "linux-binary-$version") || return 1
    deb=$(cd "$work/cache/archives" && ls linux-binary-*.deb | head -1)
    rm -rf "$work/$package.new"
    mkdir -p "$work/$package.new"
    image=./usr/lib/modules/$version/vmlinuz
    unpack "$deb" "$work/$package.new" "$image" || return 1
    mv "$work/$package.new/$image" "$work/$package.new/Image"
    rm -r "$work/$package.new/usr"
    dpkg-deb --field "$work/cache/archives/$deb" Version >"$work/$package.version"
    rm -f "$work/cache/archives/$deb"
    replace
}

# compile_python SUITE: compiles Python's bytecode, as maintainer scripts do; it is the same for every CPU
compile_python() {
    local native=$cache/$1/amd64/$package guest=$cache/$1/riscv64/$package as_root=()
    [ -e "$native/usr/bin/python3" ] || return 0
    [ "$(id -u)" = 0 ] || as_root=(--map-root-user)
    # Python's own tests contain modules that do not compile, so the status is ignored.
    unshare "${as_root[@]}" --root="$native" --wd=/ /usr/bin/python3 -m compileall -qq /usr/lib || true
    (cd "$native" && find usr/lib -name __pycache__ -print0 | tar -c --null -T -) | tar -x -C "$guest"
}

if [ "$mode" = newest ]; then
    suite=${SUITE:-sid}
    work=$cache/$suite/amd64
    if [ -n "${REMU_DEBIAN_UPDATE:-}" ] || ! keeps "$@"; then
        # Keep the programs of earlier calls.
        programs=("$@")
        if [ $# -gt 0 ] && [ -s "$work/$package/.kept" ]; then
            mapfile -t programs < <({ printf '%s\n' "$@" && sed 1d "$work/$package/.kept"; } | sort -u)
        fi
        fetch_tool "$suite" amd64 "${programs[@]}" ||
            fail "$package could not be fetched from $suite; is there a network? SUITE and MIRROR choose another source"
    fi
    echo "amd64 $(head -1 "$work/$package/.kept") $work/$package"
    exit
fi

complete() {
    [ -e "$cache/$1/$package.complete" ]
}

# both SUITE: fetches the package or makes the root, for both architectures
both() {
    rm -f "$cache/$1/$package.complete"
    if [ "$mode" = kernel ]; then
        fetch_kernel "$1" || return 1
    elif [ "$mode" = root ]; then
        fetch_root "$1" riscv64 && fetch_root "$1" amd64 && compile_python "$1" || return 1
    else
        fetch "$1" riscv64 && fetch "$1" amd64 || return 1
    fi
    touch "$cache/$1/$package.complete"
}

if [ "$mode" = root ]; then
    list=$(sed 's/#.*//' "$package")
    # Each list has its own root, named after the file's path and contents.
    tree=$(dirname "$(realpath "$0")")/../..
    package=root-$(realpath --relative-to="$tree" "$package" | tr / -)-$(echo $list | sha256sum | cut -c 1-8)
fi
found=
for suite in ${SUITE:-forky sid}; do
    if { [ -z "${REMU_DEBIAN_UPDATE:-}" ] && complete "$suite"; } || both "$suite"; then
        found=$suite
        break
    fi
    echo "tests/debian/fetch.sh: $package is not available from $suite" >&2
done
[ -n "$found" ] || fail "$package could not be fetched; is there a network? SUITE and MIRROR choose another source"
for arch in riscv64 amd64; do
    [ "$mode" != kernel ] || [ "$arch" = riscv64 ] || continue
    work=$cache/$found/$arch
    if [ "$mode" = root ]; then echo "$arch $found $work/$package"; else echo "$arch $(cat "$work/$package.version") $work/$package"; fi
done
if [ "$mode" = root ]; then
    join "$cache/$found/riscv64/$package.version" "$cache/$found/amd64/$package.version"
fi
