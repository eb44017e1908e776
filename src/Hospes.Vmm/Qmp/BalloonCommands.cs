using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands over the memory balloon (QEMU, <c>qapi/machine.json</c>), and the event of its change.</summary>
internal sealed class BalloonCommands(DomainControl control)
{
    private static readonly QmpObject s_info = new(new QmpMember("actual", QmpType.Integer));

    /// <summary>The event of a guest that gave or took pages; QEMU holds it back likewise.</summary>
    public static QmpEventType ChangeEvent { get; } = new("BALLOON_CHANGE", s_info) { Interval = TimeSpan.FromSeconds(1) };

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            yield return new("balloon", new QmpObject(new QmpMember("value", QmpType.Integer)), QmpObject.Empty, arguments => Request(arguments.Integer("value")!.Value));
            yield return new("query-balloon", QmpObject.Empty, s_info, _ => Query());
        }
    }

    private static QmpError NoBalloon => new(QmpErrorClass.DeviceNotActive, "No balloon device has been activated");

    /// <summary>How many bytes the guest has left of those that it was given, whatever it says.</summary>
    /// <param name="given">How many it says that it gave.</param>
    public ulong Left(ulong given)
    {
        ulong all = control.Options.Machine.Memory + control.PluggedMemory;
        return all - Math.Min(given, all);
    }

    /// <summary>What the event tells.</summary>
    public JsonObject Describe(ulong given) => new() { ["actual"] = Left(given) };

    private QmpResult Request(long bytes)
    {
        if (control.Backends?.Balloon is not { } balloon) return NoBalloon;
        if (bytes <= 0) return QmpError.Generic("Parameter 'target' expects a size");
        balloon.Request(Left((ulong)bytes));
        return QmpResult.Done;
    }

    private QmpResult Query() => control.Backends?.Balloon is { } balloon ? Describe(balloon.Given) : NoBalloon;
}
