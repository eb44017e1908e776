# Reads the list of programs, then the results that bench/compare/cpu gathered, and prints their medians and ratios as a table or as JSON.
# Ends with status 1 when checksums differ or a result is absent.

function median(key,    count, values, i, j, value) {
    count = taken[key]
    if (!count)
        return 0
    for (i = 1; i <= count; i++) {
        value = seconds[key, i]
        for (j = i - 1; j > 0 && values[j] > value; j--)
            values[j + 1] = values[j]
        values[j + 1] = value
    }
    return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}
function ratio(above, below) { return above && below ? above / below : 0 }
function shown(value, digits, width) { return value ? sprintf("%" width "." digits "f", value) : sprintf("%" width "s", json ? "null" : "-") }
function field(name, value) { return sprintf("\"%s\": %s", name, shown(value, 4, "")) }
function complain(text) { print "cpu: " text > "/dev/stderr"; wrong = 1 }

FNR == NR { order[++programs] = $1; if (/float/) floating[$1] = 1; next }
{
    key = $1 " " $2 " " $3
    seconds[key, ++taken[key]] = $4
    if ($2 == 1) one = 1
    else two = 1
    # One thread or two, the jobs are the same.
    name = $3
    threaded = sub(/@.*/, "", name)
    if (threaded) parallel[name] = 1
    if (!(name in sum)) { sum[name] = $5; whence[name] = $1 }
    else if (sum[name] != $5 && !(key in differs)) {
        differs[key] = 1
        complain($3 ": the checksum in " $1 " is " $5 ", in " whence[name] " " sum[name])
    }
}
END {
    if (json) printf "{\"programs\": ["
    else if (one) printf "%-14s %9s %9s %9s %11s %14s\n", "program", "native s", "Hospes s", "TCG s", "TCG/Hospes", "Hospes/native"
    for (i = 1; one && i <= programs; i++) {
        name = order[i]
        native = median("native 1 " name); ours = median("hospes 1 " name); theirs = median("tcg 1 " name)
        if (!native || !ours || !theirs) complain(name ": a result is absent")
        faster = ratio(theirs, ours)
        if (json)
            printf "%s\n  {\"name\": \"%s\", %s, %s, %s, %s, %s}", printed++ ? "," : "", name, field("native", native), field("hospes", ours), field("tcg", theirs), \
                field("tcgOverHospes", faster), field("hospesOverNative", ratio(ours, native))
        else
            printf "%-14s %s %s %s %s %s\n", name, shown(native, 3, 9), shown(ours, 3, 9), shown(theirs, 3, 9), shown(faster, 2, 11), shown(ratio(ours, native), 2, 14)
        if (!faster) continue
        logs += log(faster); counted++
        if (!lowest || faster < lowest) { lowest = faster; slowest = name }
        if (name in floating && (!lowest_floating || faster < lowest_floating)) { lowest_floating = faster; slowest_floating = name }
    }
    mean = counted ? exp(logs / counted) : 0
    if (json) printf "\n ],\n %s, %s, %s,\n \"twoThreads\": [", field("geometricMean", mean), field("lowest", lowest), field("lowestFloatingPoint", lowest_floating)
    else if (one) {
        printf "\ngeometric mean of TCG/Hospes  %s\n", shown(mean, 2, "")
        printf "lowest                        %s (%s)\n", shown(lowest, 2, ""), slowest
        if (lowest_floating) printf "lowest of floating point      %s (%s)\n", shown(lowest_floating, 2, ""), slowest_floating
    }
    if (two && !json) printf "\n%-14s %9s %9s %9s   (two threads on two vCPUs, times faster than one)\n", "program", "native", "Hospes", "TCG"
    printed = 0
    for (i = 1; two && i <= programs; i++) {
        name = order[i]
        if (!(name in parallel)) continue
        for (place in places) delete places[place]
        split("native hospes tcg", wheres, " ")
        for (place = 1; place <= 3; place++) {
            alone = median(wheres[place] " 2 " name "@1"); together = median(wheres[place] " 2 " name "@2")
            if (!alone || !together) complain(name " on two processors: a result is absent")
            places[place] = ratio(alone, together)
        }
        if (json)
            printf "%s\n  {\"name\": \"%s\", %s, %s, %s}", printed++ ? "," : "", name, field("native", places[1]), field("hospes", places[2]), field("tcg", places[3])
        else
            printf "%-14s %s %s %s\n", name, shown(places[1], 2, 9), shown(places[2], 2, 9), shown(places[3], 2, 9)
    }
    if (json) print "\n ]}"
    exit wrong
}
