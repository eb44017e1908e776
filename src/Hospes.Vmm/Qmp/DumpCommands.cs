using System.Text.Json.Nodes;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.Dump;

namespace Hospes.Vmm.Qmp;

/// <summary>Dumps of a domain's memory (QEMU, <c>qapi/dump.json</c>): ELF into a file or a pipe, while the domain is held. One at a time.</summary>
/// <param name="control">The domain.</param>
/// <param name="completed">Is told how a dump that nobody waits for ended: its state, and what went wrong, or null.</param>
internal sealed class DumpCommands(DomainControl control, Action<JsonObject, string?> completed)
{
    private const string ToFile = "file:", None = "none", Active = "active", Completed = "completed", Failed = "failed", Elf = "elf";

    private static readonly QmpEnum s_format = new(Elf, "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp");

    private static readonly QmpObject s_result = new(new("status", new QmpEnum(None, Active, Completed, Failed)), new("completed", QmpType.Integer), new("total", QmpType.Integer));

    private readonly Lock _gate = new();
    private string _status = None;
    private MemoryDump? _dump;

    /// <summary>The event of a dump that nobody waited for.</summary>
    public static QmpEventType CompletedEvent { get; } = new("DUMP_COMPLETED", new QmpObject(new("result", s_result), new("error", QmpType.Text, IsOptional: true)));

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var wish = new QmpObject(
                new("paging", QmpType.Bool), new("protocol", QmpType.Text), new("detach", QmpType.Bool, IsOptional: true), new("begin", QmpType.Integer, IsOptional: true),
                new("length", QmpType.Integer, IsOptional: true), new("format", s_format, IsOptional: true));
            yield return new("dump-guest-memory", wish, QmpObject.Empty, Dump);
            yield return new("query-dump", QmpObject.Empty, s_result, _ => Query());
            yield return new("query-dump-guest-memory-capability", QmpObject.Empty, new QmpObject(new QmpMember("formats", new QmpArray(s_format))), static _ => new JsonObject { ["formats"] = new JsonArray(JsonValue.Create(Elf)) });
        }
    }

    private QmpResult Dump(QmpArguments arguments)
    {
        if ((arguments.Text("format") ?? Elf) != Elf) return QmpError.Generic("dump: this format is not supported; there is 'elf'");
        if (arguments.Bool("paging") == true) return QmpError.Generic("dump: addresses of processes are not supported: there are physical ones");
        if (!TryRange(arguments, out DumpRange? only, out string? fault)) return QmpError.Generic(fault!);
        string protocol = arguments.Required("protocol");
        if (protocol.StartsWith("fd:", StringComparison.Ordinal)) return QmpError.Generic("dump: descriptors cannot be passed to this monitor; there is 'file:'");
        if (!protocol.StartsWith(ToFile, StringComparison.Ordinal)) return QmpError.Generic("Invalid parameter 'protocol'");
        lock (_gate)
        {
            if (_status == Active) return QmpError.Generic("There is a dump in process, please wait.");
            _status = Active;
            _dump = null;
        }
        bool ran = control.State == RunState.Running;
        FileStream? file = null;
        var dump = new MemoryDump(control, only);
        try
        {
            // A pipe is opened when its reader is there.
            file = new FileStream(protocol[ToFile.Length..], FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            if (file.CanSeek && file.Length > 0) file.SetLength(0);
            control.Pause();
            fault = dump.Begin();
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            fault = $"Could not open '{protocol[ToFile.Length..]}': {refusal.Message.TrimEnd('.')}";
        }
        if (fault is not null)
        {
            End(file, ran, fault);
            return QmpError.Generic(fault);
        }
        lock (_gate) _dump = dump;
        if (arguments.Bool("detach") == true)
        {
            _ = Task.Run(() =>
            {
                string? failure = dump.Write(file!);
                End(file, ran, failure);
                completed(Query(), failure);
            });
            return QmpResult.Done;
        }
        fault = dump.Write(file!);
        End(file, ran, fault);
        return fault is null ? QmpResult.Done : QmpError.Generic(fault);
    }

    /// <summary>The part that is wanted: both ends, or neither.</summary>
    private static bool TryRange(QmpArguments arguments, out DumpRange? only, out string? fault)
    {
        (long? begin, long? length) = (arguments.Integer("begin"), arguments.Integer("length"));
        only = begin is >= 0 && length is > 0 ? new DumpRange((ulong)begin.Value, (ulong)length.Value) : null;
        fault = begin is null && length is not null ? "Parameter 'begin' is missing"
            : begin is not null && length is null ? "Parameter 'length' is missing"
            : begin is not null && only is null ? "Invalid parameter 'length'"
            : null;
        return fault is null;
    }

    private void End(FileStream? file, bool ran, string? failure)
    {
        file?.Dispose();
        if (ran) control.Resume();
        lock (_gate) _status = failure is null ? Completed : Failed;
    }

    private JsonObject Query()
    {
        lock (_gate) return new JsonObject { ["status"] = _status, ["completed"] = _dump?.Completed ?? 0, ["total"] = _dump?.Total ?? 0 };
    }
}
