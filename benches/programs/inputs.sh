#!/bin/bash
# benches/programs/inputs.sh OUT - generates the inputs of the Debian programs in programs.toml, which they see as /in.
# The output is always the same. Each input also has a small version for quick runs.
set -euo pipefail
mkdir -p "$1"
cd "$1"

# random(n): a number from 0 to n - 1, by the minimal standard generator, whose products a double holds exactly.
# (rand() differs between implementations of awk.)
random='
    BEGIN { seed = 20240229 }
    function random(n) { seed = seed * 16807 % 2147483647; return seed % n }
'
generate() {
    awk "${@:2}" "$random $1"
}

# Prose: words made of syllables, the first ones most frequent, mixed with numbers, names and dates.
text='
    BEGIN {
        split("ka lo mi ren su ta vor el an dri po sha ne ul go bi", syllable)
        for (i = 0; i < 1200; i++) {
            word[i] = syllable[1 + random(16)]
            for (n = random(4); n > 0; n--) word[i] = word[i] syllable[1 + random(16)]
        }
        for (line = 0; line < lines; line++) {
            out = ""
            for (n = 6 + random(8); n > 0; n--) {
                w = word[int(random(1200) * random(1200) / 1200)]
                kind = random(40)
                if (kind == 0) w = random(100000)
                else if (kind == 1) w = toupper(substr(w, 1, 1)) substr(w, 2)
                else if (kind == 2) w = w "@" word[random(1200)] ".example"
                else if (kind == 3) w = sprintf("%04d-%02d-%02d", 1970 + random(60), 1 + random(12), 1 + random(28))
                else if (kind < 7) w = w ","
                out = out (out == "" ? "" : " ") w
            }
            print out "."
        }
    }
'
generate "$text" -v lines=52000 >text
generate "$text" -v lines=100 >text-small

json='
    BEGIN {
        split("north south east west centre", region)
        print "["
        for (i = 0; i < records; i++) {
            printf "{\"id\": %d, \"region\": \"%s\", \"price\": %d.%02d, \"tags\": [", i, region[1 + random(5)], random(1000), random(100)
            for (n = random(4); n >= 0; n--) printf "\"t%d\"%s", random(50), n ? ", " : ""
            printf "], \"customer\": {\"name\": \"c%d\", \"vip\": %s}, \"note\": %s}%s\n", random(900), random(5) ? "false" : "true",
                random(3) ? "null" : "\"caf\\u00e9 \\\"" random(100) "\\\"\"", i + 1 < records ? "," : ""
        }
        print "]"
    }
'
generate "$json" -v records=25000 >data.json
generate "$json" -v records=100 >small.json

# A C source with loops, switches, structures, tables, recursion and floating point, as the compiler's input.
c='
    BEGIN {
        print "#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n"
        print "typedef struct { uint32_t kind; int64_t value; double weight; char name[16]; } Item;\n"
        for (f = 0; f < functions; f++) {
            printf "static const int32_t table_%d[] = {", f
            for (n = 8; n > 0; n--) printf "%d, ", random(100000)
            print "};\n"
            printf "int64_t work_%d(Item *items, int n)\n{\n    int64_t sum = %d;\n    for (int i = 0; i < n; i++) {\n", f, random(1000)
            print "        Item *it = &items[i];\n        switch (it->kind) {"
            for (n = 0; n < 5; n++) {
                printf "        case %d: ", random(20) + 20 * n
                kind = random(5)
                if (kind == 0) printf "sum += it->value * %d;", random(50)
                else if (kind == 1) printf "it->weight = it->weight * %d.5 + (double)sum;", random(9)
                else if (kind == 2) printf "sum ^= table_%d[(uint32_t)it->value %% 8];", f
                else if (kind == 3) printf "for (int k = 0; k < 16; k++) sum = sum * 31 + it->name[k];"
                else printf "if (it->value > %d) it->kind ^= (uint32_t)sum & 7;", random(5000)
                print " break;"
            }
            printf "        default: it->value = (it->value << %d ^ sum) %% %d;\n        }\n    }\n", 1 + random(9), 3 + random(1000)
            if (f) printf "    if (sum & 1)\n        sum += work_%d(items, n / 2);\n", random(f)
            print "    return sum;\n}\n"
        }
    }
'
generate "$c" -v functions=46 >large.c
generate "$c" -v functions=3 >small.c

# A small project: a header, eleven modules (two in the small one), and a program that prints what they compute.
for project in "project 5 01 02 03 04 05 06 07 08 09 10 11" "project-small 1 01 02"; do
    read -r dir functions modules <<<"$project"
    mkdir -p "$dir"
    for n in $modules; do
        generate "BEGIN { seed += 1$n } $c" -v functions="$functions" |
            sed "s/work_/m${n}_work_/g; s/<string.h>/<string.h>\n#include \"all.h\"/; /^typedef struct/d" >"$dir/m$n.c"
    done
    {
        echo '#pragma once'
        echo '#include <stdint.h>'
        echo 'typedef struct { uint32_t kind; int64_t value; double weight; char name[16]; } Item;'
        for n in $modules; do echo "int64_t m${n}_work_$((functions - 1))(Item *items, int n);"; done
    } >"$dir/all.h"
    {
        echo '#include <stdio.h>'
        echo '#include "all.h"'
        echo 'int main(void)'
        echo '{'
        echo '    static Item items[64];'
        echo '    for (int i = 0; i < 64; i++)'
        echo '        items[i] = (Item){(uint32_t)i, i * 77, i, "item"};'
        for n in $modules; do echo "    printf(\"%lld\\n\", (long long)m${n}_work_$((functions - 1))(items, 64));"; done
        echo '}'
    } >"$dir/main.c"
    echo "objects := main.o" $(printf 'm%s.o ' $modules) >"$dir/Makefile"
    cat >>"$dir/Makefile" <<'END'
VPATH := $(dir $(lastword $(MAKEFILE_LIST)))
CFLAGS := -O1 -fwrapv -I$(VPATH)

all: app
	./app

app: $(objects)
	gcc -o $@ $^

%.o: %.c all.h
	gcc $(CFLAGS) -c -o $@ $<
END
done

cat >loop.bash <<'END'
# Arithmetic, arrays, patterns and functions, without another process.
declare -A count
declare -a list
twice() { result=$(($1 * 2)); }
x=1 text=""
for ((i = 0; i < $1; i++)); do
    ((x = (x * 1103515245 + 12345) & 0x7fffffff))
    key=k$((x >> 16 & 63))
    ((count[$key] += 1))
    list[i & 255]=$x
    case $key in
    k1*) twice "$i"; ((x ^= result)) ;;
    k*5) text=${text}x ;;
    *) [[ $key =~ ^k[0-4][02]$ ]] && text=${text/xx/y} ;;
    esac
    if ((${#text} > 40)); then text=${text#*x}; fi
done
for key in "${!count[@]}"; do ((sum += count[$key] * ${key#k})); done
printf '%d %d %s %d\n' "$x" "${#count[@]}" "$text" "$sum"
END
cat >true.sh <<'END'
i=0
while [ $i -lt "$1" ]; do
    /bin/true || exit 1
    i=$((i + 1))
done
echo $i
END

cat >words.awk <<'END'
# Frequencies of words, sums of the numbers, the longest lines.
{
    for (i = 1; i <= NF; i++) {
        w = tolower($i)
        gsub(/[^a-z0-9@.-]/, "", w)
        count[w]++
        if (w ~ /^[0-9]+$/) sum += w
        else if (match(w, /^[0-9]+-/)) years[substr(w, 1, RLENGTH - 1)]++
    }
    if (length($0) > length(longest)) longest = $0
    letters += gsub(/[aeiou]/, "&")
}
END {
    n = asorti(count, names)
    for (i = 1; i <= n; i++) hash = (hash * 31 + count[names[i]] * length(names[i])) % 1000003
    printf "%d words, %d numbers, %d years, %d vowels, hash %d\n%s\n", n, sum, length(years), letters, hash, longest
}
END

cat >script.sed <<'END'
# Reverses dates, hides addresses, doubles and swaps words; prints some of the most changed lines, and the last one.
s/([0-9]{4})-([0-9]{2})-([0-9]{2})/\3.\2.\1/g
s/[a-z]+@([a-z]+)\.example/<\1>/g
s/\b(\w+) (\w+)\b/\2 \1/g
s/([aeiou])[^aeiou ]+\1/&\U&\E/
y/xyz/zyx/
/<.*<.*[0-9]{2}\.[0-9]{2}\.[0-9]{4}/p
$p
END

cat >words.pl <<'END'
# Hashes, regular expressions, sorting, packing and string building.
use strict;
use warnings;
my (%count, %pairs, $dates, $vowels);
my $last = "";
my $digest = 0;
while (my $line = <>) {
    $dates++ while $line =~ /\b(\d{4})-(\d\d)-(\d\d)\b/g;
    $vowels += ($line =~ tr/aeiou//);
    for my $word ($line =~ /[a-z]+/gi) {
        $word = lc $word;
        $count{$word}++;
        $pairs{substr($last, 0, 2) . substr($word, 0, 2)}++;
        $last = $word;
    }
    (my $short = $line) =~ s/(\w)\w+(\w)/$1$2/g;
    $digest = ($digest * 33 + unpack("%32C*", join "", map { ucfirst } reverse split / /, $short)) & 0xffffffff;
}
my @top = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 9];
printf "%d words, %d pairs, %d dates, %d vowels, digest %08x\n", scalar keys %count, scalar keys %pairs, $dates, $vowels, $digest;
printf "%s %d\n", $_, $count{$_} for @top;
END

cat >mix.py <<'END'
# Classes, dictionaries, comprehensions, strings, floats, generators, large integers and the standard library.
import collections, hashlib, heapq, itertools, json, re, sys

rounds = int(sys.argv[1])


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def scaled(self, k):
        return Vector(self.x * k, self.y * k)


def collatz(n):
    while n != 1:
        yield n
        n = n // 2 if n % 2 == 0 else 3 * n + 1


def queens(n, row=0, columns=0, up=0, down=0):
    if row == n:
        return 1
    total = 0
    for c in range(n):
        if not (columns >> c & 1 or up >> (row + c) & 1 or down >> (row - c + n) & 1):
            total += queens(n, row + 1, columns | 1 << c, up | 1 << (row + c), down | 1 << (row - c + n))
    return total


digest = hashlib.sha256()
for r in range(rounds):
    at = Vector(0.0, 1.0)
    for i in range(400):
        at = at + Vector(at.y, -at.x).scaled(0.01)
    lengths = collections.Counter(sum(1 for _ in collatz(n)) for n in range(1 + r, 60 + r))
    words = ["%s%d" % (chr(97 + i * 7 % 26), i * i % 97) for i in range(200)]
    grouped = {k: sorted(g) for k, g in itertools.groupby(sorted(words), key=lambda w: w[0])}
    found = re.findall(r"([a-m])(\d+)\b", " ".join(words))
    heap = [(int(n) * 31 % 101, c) for c, n in found]
    heapq.heapify(heap)
    smallest = [heapq.heappop(heap) for _ in range(10)]
    big = pow(3, 200 + r, 10**60 + 7)
    text = json.dumps([round(at.x, 6), sorted(lengths.items())[:5], grouped, smallest, big, queens(5)], sort_keys=True)
    assert json.loads(text)[4] == big
    digest.update(text.encode())
print(digest.hexdigest())
END

cat >filter.jq <<'END'
{ regions: (group_by(.region) | map({region: .[0].region, n: length, total: (map(.price) | add | floor)})),
  tags: ([.[].tags[]] | group_by(.) | map({tag: .[0], n: length}) | sort_by(-.n, .tag) | .[:5]),
  vips: ([.[] | select(.customer.vip and .price > 500) | .customer.name | ltrimstr("c") | tonumber] | unique | add),
  notes: ([.[] | .note // empty | select(test("7[0-9]")) | length] | add),
  best: (reduce .[] as $o ({}; .[$o.customer.name] += $o.price) | to_entries | max_by(.value) | .key) }
END

for size in 160000: 400:-small; do
    cat >"query${size#*:}.sql" <<END
create table item (id integer primary key, region integer, price real, name text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < ${size%:*})
    insert into item select i, i * 7919 % 13, i * 31 % 1000 / 8.0, 'name ' || (i * 104729 % 65536) from n;
create index by_name on item (name);
create table region as select region as id, 'region ' || region as title, count(*) as n from item group by region;
select title, n, sum(price), min(name), max(length(name)) from item join region on region.id = item.region group by title order by n desc, title;
update item set price = price * 1.25 where name like '%77%';
delete from item where id % 10 = 3 and name in (select name from item where region = 5);
select count(*), total(price), sum(instr(name, '9')) from item;
select a.name, count(*) from item a join item b on a.name = b.name and a.id < b.id group by a.name order by 2 desc, 1 limit 5;
select name, price, rank() over (partition by region order by price desc, id) as r from item order by r, region limit 5;
END
done
