using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Virtio;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>Limits of disks, changed while they are used (QEMU, <c>qapi/block.json</c>, <c>block_set_io_throttle</c>).</summary>
internal sealed class ThrottleCommands(DomainControl control)
{
    private const string Suffix = "_max", LengthSuffix = "_max_length", Size = "iops_size";

    private static readonly (string Name, Func<RequestLimits, RateLimit> Of)[] s_limits =
    [
        ("bps", static all => all.Bytes), ("bps_rd", static all => all.ReadBytes), ("bps_wr", static all => all.WriteBytes),
        ("iops", static all => all.Operations), ("iops_rd", static all => all.ReadOperations), ("iops_wr", static all => all.WriteOperations),
    ];

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            QmpMember[] rates = [.. s_limits.Select(static at => new QmpMember(at.Name, QmpType.Integer))];
            QmpMember[] bursts = [.. s_limits.SelectMany(static at => (QmpMember[])[new(at.Name + Suffix, QmpType.Integer, IsOptional: true), new(at.Name + LengthSuffix, QmpType.Integer, IsOptional: true)])];
            yield return new(
                "block_set_io_throttle",
                new QmpObject([
                    new("device", QmpType.Text, IsOptional: true), new("id", QmpType.Text, IsOptional: true), .. rates, .. bursts,
                    new(Size, QmpType.Integer, IsOptional: true), new("group", QmpType.Text, IsOptional: true)]),
                QmpObject.Empty, Set);
        }
    }

    /// <summary>Tells limits as <c>BlockDeviceInfo</c> has them.</summary>
    public static void Describe(RequestLimits limits, JsonObject info)
    {
        foreach ((string name, Func<RequestLimits, RateLimit> of) in s_limits)
        {
            RateLimit limit = of(limits);
            info[name] = limit.Rate;
            if (limit.Burst == 0) continue;
            info[name + Suffix] = limit.Burst;
            info[name + LengthSuffix] = limit.BurstSeconds;
        }
        if (limits.OperationSize != 0) info[Size] = limits.OperationSize;
    }

    /// <summary>The members that <see cref="Describe"/> adds beside the rates.</summary>
    public static IEnumerable<QmpMember> Members =>
        s_limits.SelectMany(static at => (QmpMember[])[new(at.Name + Suffix, QmpType.Integer, IsOptional: true), new(at.Name + LengthSuffix, QmpType.Integer, IsOptional: true)])
            .Append(new(Size, QmpType.Integer, IsOptional: true));

    private QmpResult Set(QmpArguments arguments)
    {
        string? drive = arguments.Text("device"), id = arguments.Text("id");
        if ((drive is null) == (id is null)) return QmpError.Generic("Need exactly one of 'device' and 'id'");
        Disk? disk = control.Backends?.Disks.FirstOrDefault(at => drive is null ? at.Options.Id == id : at.Options.Drive == drive);
        if (disk is null) return drive is null ? QmpError.NoDevice(id!) : QmpError.NoDevice(drive);
        if (s_limits.Any(at => Number(at.Name) < 0 || Number(at.Name + Suffix) < 0 || Number(at.Name + LengthSuffix) < 0) || Number(Size) < 0)
            return QmpError.Generic($"bps/iops/max values must be within [0, {RateLimit.Most}]");
        var limits = new RequestLimits
        {
            Bytes = Limit(0),
            ReadBytes = Limit(1),
            WriteBytes = Limit(2),
            Operations = Limit(3),
            ReadOperations = Limit(4),
            WriteOperations = Limit(5),
            OperationSize = (ulong)Number(Size),
        };
        if (ThrottleArguments.Check(limits) is { } error) return QmpError.Generic(error);
        disk.Gate.Limits = limits;
        return QmpResult.Done;

        long Number(string name) => arguments.Integer(name) ?? (name.EndsWith(LengthSuffix, StringComparison.Ordinal) ? 1 : 0);

        RateLimit Limit(int index)
        {
            string name = s_limits[index].Name;
            return new RateLimit((ulong)Number(name), (ulong)Number(name + Suffix), (ulong)Number(name + LengthSuffix));
        }
    }
}
