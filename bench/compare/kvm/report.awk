# Reads lines "figure NAME SYSTEM VALUE" and prints the medians side by side, with the ratio of hospes to each of the others.
$1 == "figure" { count = ++taken[$2, $3]; value[$2, $3, count] = $4; if (!($2 in seen)) { seen[$2] = 1; names[++n] = $2 } }
$1 == "tsc:" { for (i = 1; i <= NF; i++) if ($i == "MHz") frequency = $(i - 1) * 1e6 }
function median(name, who,    count, i, j, swap, values) {
    count = taken[name, who]
    if (!count) return ""
    for (i = 1; i <= count; i++) values[i] = value[name, who, i] + 0
    for (i = 2; i <= count; i++) for (j = i; j > 1 && values[j] < values[j - 1]; j--) { swap = values[j]; values[j] = values[j - 1]; values[j - 1] = swap }
    return count % 2 ? values[(count + 1) / 2] : (values[count / 2] + values[count / 2 + 1]) / 2
}
END {
    printf "%-22s %10s %10s %10s %10s %10s\n", "", "hospes", "microvm", "q35", "/microvm", "/q35"
    for (i = 1; i <= n; i++) {
        name = names[i]
        ours = median(name, "hospes"); small = median(name, "microvm"); large = median(name, "q35")
        printf("%-22s %10s %10s %10s %10s %10s\n", name, ours, small, large, small > 0 ? sprintf("%.2f", ours / small) : "-", large > 0 ? sprintf("%.2f", ours / large) : "-")
        if (name ~ /-cycles$/ && frequency > 0 && ours > 0) {
            sub(/-cycles$/, "s/s", name)
            printf("%-22s %10.0f %10.0f %10.0f\n", name, frequency / ours, small > 0 ? frequency / small : 0, large > 0 ? frequency / large : 0)
        }
    }
}
