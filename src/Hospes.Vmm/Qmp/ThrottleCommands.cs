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

    /// <summary>The limits' names, in the order of <see cref="RequestLimits.All"/>.</summary>
    private static readonly string[] s_limits = ["bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"];

    /// <summary>The commands.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            QmpMember[] rates = [.. s_limits.Select(static name => new QmpMember(name, QmpType.Integer))];
            yield return new(
                "block_set_io_throttle",
                new QmpObject([
                    new("device", QmpType.Text, IsOptional: true), new("id", QmpType.Text, IsOptional: true), .. rates, .. Members,
                    new("group", QmpType.Text, IsOptional: true)]),
                QmpObject.Empty, Set);
        }
    }

    /// <summary>Tells limits as <c>BlockDeviceInfo</c> has them.</summary>
    public static void Describe(RequestLimits limits, JsonObject info)
    {
        foreach ((string name, RateLimit limit) in s_limits.Zip(limits.All))
        {
            info[name] = limit.Rate;
            if (limit.Burst == 0) continue;
            info[name + Suffix] = limit.Burst;
            info[name + LengthSuffix] = limit.BurstSeconds;
        }
        if (limits.OperationSize != 0) info[Size] = limits.OperationSize;
    }

    /// <summary>The members that <see cref="Describe"/> adds beside the rates.</summary>
    public static IEnumerable<QmpMember> Members =>
        s_limits.SelectMany(static name => (QmpMember[])[new(name + Suffix, QmpType.Integer, IsOptional: true), new(name + LengthSuffix, QmpType.Integer, IsOptional: true)])
            .Append(new(Size, QmpType.Integer, IsOptional: true));

    private QmpResult Set(QmpArguments arguments)
    {
        string? drive = arguments.Text("device"), id = arguments.Text("id");
        if ((drive is null) == (id is null)) return QmpError.Generic("Need exactly one of 'device' and 'id'");
        Disk? disk = control.Backends?.Disks.FirstOrDefault(at => drive is null ? at.Options.Id == id : at.Options.Drive == drive);
        if (disk is null) return drive is null ? QmpError.NoDevice(id!) : QmpError.NoDevice(drive);
        if (s_limits.Any(name => Number(name) < 0 || Number(name + Suffix) < 0 || Number(name + LengthSuffix) < 0) || Number(Size) < 0)
            return QmpError.Generic($"bps/iops/max values must be within [0, {RateLimit.Most}]");
        RateLimit[] all = [.. s_limits.Select(name => new RateLimit((ulong)Number(name), (ulong)Number(name + Suffix), (ulong)Number(name + LengthSuffix)))];
        RequestLimits limits = RequestLimits.Of(all, (ulong)Number(Size));
        if (ThrottleArguments.Check(limits) is { } error) return QmpError.Generic(error);
        disk.Gate.Limits = limits;
        return QmpResult.Done;

        long Number(string name) => arguments.Integer(name) ?? (name.EndsWith(LengthSuffix, StringComparison.Ordinal) ? 1 : 0);
    }
}
