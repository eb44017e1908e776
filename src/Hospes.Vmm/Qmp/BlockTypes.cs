using Hospes.Qmp.Schema;

namespace Hospes.Vmm.Qmp;

/// <summary>The types of block devices' commands and events (QEMU, <c>qapi/block-core.json</c>), with the members that mean something here.</summary>
internal static class BlockTypes
{
    /// <summary>What makes a node: <c>BlockdevOptions</c>.</summary>
    public static QmpObject Options { get; } = MakeOptions();

    /// <summary>A node with its image: <c>BlockDeviceInfo</c>.</summary>
    public static QmpObject Node { get; } = MakeNode();

    /// <summary>A drive: <c>BlockInfo</c>.</summary>
    public static QmpObject Drive { get; } = new(
        new("device", QmpType.Text), new("qdev", QmpType.Text, IsOptional: true), new("type", QmpType.Text), new("removable", QmpType.Bool), new("locked", QmpType.Bool),
        new("inserted", Node, IsOptional: true), new("tray_open", QmpType.Bool, IsOptional: true), new("io-status", new QmpEnum("ok", "failed", "nospace"), IsOptional: true));

    /// <summary>What was done to a node: <c>BlockStats</c>.</summary>
    public static QmpObject Statistics { get; } = MakeStatistics();

    /// <summary>The event of a request that failed.</summary>
    public static QmpObject Failure { get; } = new(
        new("device", QmpType.Text), new("node-name", QmpType.Text, IsOptional: true), new("operation", new QmpEnum("read", "write")),
        new("action", new QmpEnum("ignore", "report", "stop")), new("nospace", QmpType.Bool, IsOptional: true), new("reason", QmpType.Text));

    private static QmpObject MakeOptions()
    {
        var reference = new List<QmpType> { QmpType.Text };
        var unmap = new QmpEnum("unmap");
        var cache = new QmpObject(new("direct", QmpType.Bool, IsOptional: true), new("no-flush", QmpType.Bool, IsOptional: true));
        var file = new QmpObject(new("filename", QmpType.Text), new("aio", new QmpEnum("threads"), IsOptional: true), new("locking", new QmpEnum("auto", "on"), IsOptional: true));
        var format = new QmpObject();
        var options = new QmpObject(
            new("driver", new QmpEnum("file", "raw", "qcow2")), new("node-name", QmpType.Text, IsOptional: true), new("discard", unmap, IsOptional: true),
            new("cache", cache, IsOptional: true), new("read-only", QmpType.Bool, IsOptional: true), new("auto-read-only", QmpType.Bool, IsOptional: true))
        {
            Tag = "driver",
            Variants = new Dictionary<string, QmpObject> { ["file"] = file, ["raw"] = format, ["qcow2"] = format },
        };
        reference.Add(options);
        format.Add(new QmpMember("file", new QmpAlternate("BlockdevRef", [.. reference])));
        return options;
    }

    private static QmpObject MakeNode()
    {
        var image = new QmpObject(
            new("filename", QmpType.Text), new("format", QmpType.Text), new("dirty-flag", QmpType.Bool, IsOptional: true), new("actual-size", QmpType.Integer, IsOptional: true),
            new("virtual-size", QmpType.Integer), new("cluster-size", QmpType.Integer, IsOptional: true), new("backing-filename", QmpType.Text, IsOptional: true),
            new("backing-filename-format", QmpType.Text, IsOptional: true));
        var cache = new QmpObject(new("writeback", QmpType.Bool), new("direct", QmpType.Bool), new("no-flush", QmpType.Bool));
        IEnumerable<QmpMember> limits = ((string[])["bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"]).Select(static name => new QmpMember(name, QmpType.Integer));
        return new QmpObject(
            [
                new("file", QmpType.Text), new("node-name", QmpType.Text, IsOptional: true), new("ro", QmpType.Bool), new("drv", QmpType.Text),
                new("backing_file_depth", QmpType.Integer), new("encrypted", QmpType.Bool), new("detect_zeroes", new QmpEnum("off", "on", "unmap")),
                .. limits, .. ThrottleCommands.Members, new("image", image), new("cache", cache), new("write_threshold", QmpType.Integer),
            ]);
    }

    private static QmpObject MakeStatistics()
    {
        string[] kinds = ["rd", "wr", "unmap"];
        QmpMember[] timed =
        [
            new("interval_length", QmpType.Integer),
            .. ((string[])["rd", "wr", "flush"]).SelectMany(static kind => (string[])[$"min_{kind}_latency_ns", $"max_{kind}_latency_ns", $"avg_{kind}_latency_ns"])
                .Select(static name => new QmpMember(name, QmpType.Integer)),
            new("avg_rd_queue_depth", QmpType.Number), new("avg_wr_queue_depth", QmpType.Number),
        ];
        QmpMember[] counts =
        [
            .. kinds.Select(static kind => new QmpMember($"{kind}_bytes", QmpType.Integer)),
            .. kinds.Append("flush").SelectMany(static kind => (string[])[$"{kind}_operations", $"{kind}_total_time_ns", $"failed_{kind}_operations", $"invalid_{kind}_operations"])
                .Select(static name => new QmpMember(name, QmpType.Integer)),
            .. kinds.Select(static kind => new QmpMember($"{kind}_merged", QmpType.Integer)),
            new("wr_highest_offset", QmpType.Integer), new("account_invalid", QmpType.Bool), new("account_failed", QmpType.Bool),
            new("timed_stats", new QmpArray(new QmpObject(timed))),
        ];
        var statistics = new QmpObject(
            new("device", QmpType.Text, IsOptional: true), new("qdev", QmpType.Text, IsOptional: true), new("node-name", QmpType.Text, IsOptional: true),
            new("stats", new QmpObject(counts)));
        statistics.Add(new QmpMember("parent", statistics, IsOptional: true));
        return statistics;
    }
}
