using System.Globalization;
using System.Text;
using Hospes.Store.Quotas;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <content>CONTROL: commands for the server itself (xenstore.txt, "Miscellaneous").</content>
internal sealed partial class RequestProcessor
{
    private static readonly (string Name, string Parameters)[] ControlCommands =
    [
        ("check", ""),
        ("log", "[on|off|+<switch>|-<switch>]"),
        ("live-update", "[-c <cmdline>] [-F] [-t <timeout>] <file>"),
        ("logfile", "<file>"),
        ("memreport", "[<file>]"),
        ("print", "<string>"),
        ("quota", "[set <name> <val>|<domid>|max [-r]]"),
        ("quota-soft", "[set <name> <val>]"),
        ("statistics", ""),
        ("help", ""),
    ];

    private XsError Control(in Request request)
    {
        ReadOnlySpan<byte> rest = request.Payload;
        if (!TryTakeString(ref rest, out ReadOnlySpan<byte> command)) return XsError.Invalid;
        var arguments = new List<string>();
        while (TryTakeString(ref rest, out ReadOnlySpan<byte> argument)) arguments.Add(Encoding.Latin1.GetString(argument));
        switch (Encoding.Latin1.GetString(command))
        {
            case "check":
                if (arguments.Count != 0) return XsError.Invalid;
                foreach (string fault in StoreCheck.Run(state)) state.Log?.Write("check: " + fault);
                break;
            case "log": return ControlLog(request, arguments);
            case "logfile":
                if (arguments.Count != 1 || !host.TryOpenLog(arguments[0])) return XsError.Invalid;
                break;
            case "memreport":
                if (arguments.Count > 1 || !host.TryReportMemory(arguments.Count == 1 ? arguments[0] : null, MemoryReport())) return XsError.Invalid;
                break;
            case "print":
                if (arguments.Count != 1) return XsError.Invalid;
                state.Log?.Write("control: " + arguments[0]);
                break;
            case "quota": return ControlQuota(request, arguments, soft: false);
            case "quota-soft": return ControlQuota(request, arguments, soft: true);
            case "live-update":
                if (host.LiveUpdate(arguments, request.Session, request.Header) is { } answer) ReplyText(request, answer);
                return XsError.None;
            case "statistics":
                if (arguments.Count != 0) return XsError.Invalid;
                ReplyText(request, Statistics());
                return XsError.None;
            case "help":
                if (arguments.Count != 0) return XsError.Invalid;
                ReplyText(request, string.Concat(ControlCommands.Select(c => $"{c.Name,-15} {c.Parameters}\n")));
                return XsError.None;
            default: return XsError.Invalid;
        }
        request.Acknowledge();
        return XsError.None;
    }

    private XsError ControlLog(in Request request, List<string> arguments)
    {
        switch (arguments)
        {
            case []:
                ReplyText(request, $"Log switch settings:\nrequests  : {(state.TracesRequests ? "on" : "off")}\n");
                return XsError.None;
            case ["on"] or ["+requests"]:
                state.TracesRequests = true;
                break;
            case ["off"] or ["-requests"]:
                state.TracesRequests = false;
                break;
            default: return XsError.Invalid;
        }
        request.Acknowledge();
        return XsError.None;
    }

    private XsError ControlQuota(in Request request, List<string> arguments, bool soft)
    {
        switch (arguments)
        {
            case []:
                var settings = new StringBuilder("Quota settings:\n");
                for (QuotaItem item = 0; item <= QuotaItem.UnreadEvents; item++)
                {
                    if (soft && item != QuotaItem.Memory) continue;
                    uint limit = soft ? state.Quotas.SoftMemory : state.Quotas.Hard[(int)item];
                    settings.Append(CultureInfo.InvariantCulture, $"{QuotaNames.NameOf(item),-17}: {limit,8} {QuotaNames.TextOf(item)}\n");
                }
                ReplyText(request, settings.ToString());
                return XsError.None;
            case ["set", var name, var number]:
                if (!QuotaNames.TryParse(name, out QuotaItem quota) || (soft && quota != QuotaItem.Memory)
                    || !uint.TryParse(number, CultureInfo.InvariantCulture, out uint value) || value < 1) return XsError.Invalid;
                SetLimit(null, quota, soft, value);
                foreach (DomainState domain in state.Domains.Values) SetLimit(domain, quota, soft, value);
                request.Acknowledge();
                return XsError.None;
            case ["max"] or ["max", "-r"] when !soft:
                if (arguments.Count == 2)
                {
                    foreach (DomainState domain in state.Domains.Values) domain.ResetHighest();
                }
                ReplyText(request, "Max. seen accounting values:\n" + Lines(item => $"{state.Domains.Values.Where(d => !d.IsPrivileged).Select(d => d.Highest(item)).DefaultIfEmpty().Max(),8}"));
                return XsError.None;
            case [var id] when !soft:
                if (!ushort.TryParse(id, CultureInfo.InvariantCulture, out ushort domainId) || !state.Domains.TryGetValue(domainId, out DomainState? known)) return XsError.NotFound;
                ReplyText(request, $"Domain {domainId}:\n" + Lines(item => $"{known.Used(item),8} (max {known.Highest(item),8})"));
                return XsError.None;
            default: return XsError.Invalid;
        }
    }

    private static string Lines(Func<QuotaItem, string> value) =>
        string.Concat(Enumerable.Range(0, QuotaNames.Count).Select(i => $"{QuotaNames.NameOf((QuotaItem)i),-17}: {value((QuotaItem)i)}\n"));

    /// <summary>
    /// What "hospes store top" shows, a line each: "operations TYPE COUNT", "transactions COMMITS CONFLICTS", "tree NODES WATCHES OPEN", "domain ID NODES WATCHES
    /// MEMORY TRANSACTIONS", "path COUNT PATH". Counts run on, except those of paths, which are since the last asking.
    /// </summary>
    private string Statistics()
    {
        var text = new StringBuilder();
        for (uint type = 0; type < XsWire.TypeCount; type++)
            if (host.Metrics?.OperationsOf(type) is > 0 and long count) text.Append(CultureInfo.InvariantCulture, $"operations {(XsMessageType)type} {count}\n");
        text.Append(CultureInfo.InvariantCulture, $"transactions {host.Metrics?.Commits ?? 0} {host.Metrics?.Conflicts ?? 0}\n");
        text.Append(CultureInfo.InvariantCulture, $"tree {Tree.Count} {state.Watches.Count} {transactions.OpenCount}\n");
        foreach (DomainState domain in state.Domains.Values.OrderByDescending(d => d.Used(QuotaItem.Memory)).Take(20))
            text.Append(CultureInfo.InvariantCulture, $"domain {domain.Id} {domain.Used(QuotaItem.Nodes)} {domain.Used(QuotaItem.Watches)} {domain.Used(QuotaItem.Memory)} {domain.Used(QuotaItem.Transactions)}\n");
        foreach ((string path, long count) in host.Metrics?.HotPaths.Take(state.Now) ?? [])
        {
            if (text.Length + path.Length > XsWire.PayloadMax - 64) break;
            text.Append(CultureInfo.InvariantCulture, $"path {count} {path}\n");
        }
        return text.ToString();
    }

    private string MemoryReport() => string.Create(CultureInfo.InvariantCulture,
        $"""
        nodes            {Tree.Count}
        node tables      {Tree.MemoryCapacity - Tree.Arena.Capacity} bytes
        names and values {Tree.Arena.InUse} bytes used of {Tree.Arena.Capacity}
        permission lists {Tree.Permissions.Count}
        old versions     {Tree.KeptVersions}
        watches          {state.Watches.Count}
        transactions     {transactions.OpenCount}
        domains          {state.Domains.Count}
        managed heap     {GC.GetTotalMemory(false)} bytes

        """);
}
