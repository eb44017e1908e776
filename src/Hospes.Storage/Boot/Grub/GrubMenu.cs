namespace Hospes.Storage.Boot.Grub;

/// <summary>An item of GRUB's menu, or of one of its submenus.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Id">Its id; the title where none is given.</param>
/// <param name="Block">What it runs.</param>
/// <param name="Arguments">Its positional arguments, the title first.</param>
/// <param name="IsSubmenu">Whether that makes a menu.</param>
/// <param name="Ready">An entry that is made already, from the Boot Loader Specification's files; null for others.</param>
internal sealed record GrubItem(string Title, string Id, IReadOnlyList<Statement> Block, IReadOnlyList<string> Arguments, bool IsSubmenu, BootEntry? Ready = null);

/// <summary>Runs GRUB's menu as far as what it offers can be told: its items, and what each boots.</summary>
internal static class GrubMenu
{
    private const string Separator = ">";

    /// <summary>Submenus within submenus, at most.</summary>
    private const int MaxDepth = 8;

    /// <summary>Reads a <c>grub.cfg</c>.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="file">The file.</param>
    /// <param name="script">Its text.</param>
    public static BootMenu Read(BootDisk disk, BootFile file, string script)
    {
        var context = new GrubContext(disk, new GrubBudget());
        context.Enter(file);
        new GrubInterpreter(context).Run(GrubParser.Parse(script));
        var entries = new List<BootEntry>();
        int chosen = -1;
        Collect(context, entries, "", Wanted(context), 0, ref chosen);
        if (entries.Count == 0) return new BootMenu([], -1, context.Items.Count == 0 ? $"{file} has no menu entry" : $"no entry of {file} boots a Linux kernel from this disk");
        return new BootMenu(entries, Math.Max(chosen, 0), null);
    }

    private static string Wanted(GrubContext context) => context.Variables.GetValueOrDefault("default", "") is { Length: > 0 } name ? name : "0";

    /// <summary>Takes what a menu's items boot; what has no kernel on this disk is left out.</summary>
    private static void Collect(GrubContext context, List<BootEntry> entries, string above, string? wanted, int depth, ref int chosen)
    {
        (string? here, string? below) = Split(context, wanted);
        for (int i = 0; i < context.Items.Count && entries.Count < BootLimits.Entries && !context.Budget.IsSpent; i++)
        {
            GrubItem item = context.Items[i];
            bool isWanted = chosen < 0 && here is not null && (here == item.Id || here == item.Title || here == i.ToString(System.Globalization.CultureInfo.InvariantCulture));
            int first = entries.Count;
            if (item.IsSubmenu && depth < MaxDepth)
            {
                GrubContext inner = context.Inherit(item.Arguments);
                new GrubInterpreter(inner).Run(item.Block);
                Collect(inner, entries, above + item.Id + Separator, isWanted ? below ?? "0" : null, depth + 1, ref chosen);
            }
            else if (Boot(context, item, above) is { } entry)
            {
                entries.Add(entry);
            }

            if (isWanted && chosen < 0 && entries.Count > first) chosen = first;
        }
    }

    /// <summary>Parts the name of an item from that of one in its submenu. A name that is an item's whole title is not parted.</summary>
    private static (string? Here, string? Below) Split(GrubContext context, string? wanted)
    {
        if (wanted is null || context.Items.Any(item => item.Title == wanted || item.Id == wanted)) return (wanted, null);
        int at = wanted.IndexOf(Separator, StringComparison.Ordinal);
        return at < 0 ? (wanted, null) : (wanted[..at], wanted[(at + 1)..]);
    }

    private static BootEntry? Boot(GrubContext context, GrubItem item, string above)
    {
        if (item.Ready is not null) return item.Ready;
        GrubContext chosen = context.Inherit(item.Arguments);
        new GrubInterpreter(chosen).Run(item.Block);
        if (chosen.Kernel is not { } kernel || chosen.HasLostInitrd) return null;
        return new BootEntry(item.Title, above + item.Id, kernel, chosen.Initrds, chosen.CommandLine, BootLoaderKind.Grub);
    }
}
