using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Storage;
using Hospes.Virtio;

namespace Hospes.Vmm.Tests.Qmp;

public sealed class BlockTests : IDisposable
{
    private const string InUse = "Block device f0 is in use";

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-qmp-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void DrivesAndNodesAreShown()
    {
        string path = Raw("disk.img", 1 << 20);
        using var domain = new Monitored(RunningDomain.Options(
            new DiskOptions(path) { Format = "raw", Id = "vd0", Drive = "drive0" }, new DiskOptions(Qcow2("two.qcow2", 2 << 20)) { Format = "qcow2", IsReadOnly = true, NodeName = "q", FileNodeName = "qf" }));
        JsonElement[] drives = [.. domain.Do("query-block").EnumerateArray()];
        drives.Select(static at => at.GetProperty("device").GetString()).ShouldBe(["drive0", ""]);
        drives.Select(static at => at.GetProperty("qdev").GetString()).ShouldBe(["/machine/peripheral/vd0/virtio-backend", "/machine/peripheral-anon/device[0]/virtio-backend"]);
        JsonElement image = drives[0].GetProperty("inserted").GetProperty("image");
        image.GetProperty("virtual-size").GetInt64().ShouldBe(1 << 20);
        image.GetProperty("filename").GetString().ShouldBe(path);
        drives[1].GetProperty("inserted").GetProperty("ro").GetBoolean().ShouldBeTrue();
        drives[1].GetProperty("inserted").GetProperty("image").GetProperty("cluster-size").GetInt32().ShouldBe(65536);
        domain.Do("query-named-block-nodes").EnumerateArray().Select(static at => $"{at.GetProperty("node-name")} {at.GetProperty("drv")}").ShouldBe(["q qcow2", "qf file", "#block002 raw", "#block001 file"]);
        domain.Ask("info block").ShouldBe(
            $"drive0 (#block002): {path} (raw)\n    Attached to:      /machine/peripheral/vd0/virtio-backend\n    Cache mode:       writeback\n\n"
            + $"q: {Path.Combine(_folder, "two.qcow2")} (qcow2, read-only)\n    Attached to:      /machine/peripheral-anon/device[0]/virtio-backend\n    Cache mode:       writeback\n");
        domain.Ask("info block -n qf").ShouldBe($"qf: {Path.Combine(_folder, "two.qcow2")} (file, read-only)\n    Cache mode:       writeback\n");
        domain.Ask("info block nope").ShouldBe("");
    }

    [Fact]
    public void WhatIsDoneToADiskIsCountedAndFailuresAreTold()
    {
        using var domain = new Monitored(RunningDomain.Options(new DiskOptions(Raw("disk.img", 1 << 20)) { Format = "raw", Drive = "d" }, new DiskOptions(Raw("two.img", 4096)) { Format = "raw", IsReadOnly = true }));
        Disk disk = domain.Domain.Control.Backends!.Disks[0];
        disk.Write(4096, new byte[512]).ShouldBe(BlockResult.Ok);
        disk.Read(0, new byte[1024]).ShouldBe(BlockResult.Ok);
        disk.Flush().ShouldBe(BlockResult.Ok);
        disk.Discard(0, 4096).ShouldBe(BlockResult.Ok);
        disk.WriteZeroes(0, 512, mayUnmap: true).ShouldBe(BlockResult.Ok);
        JsonElement all = domain.Do("query-blockstats")[0], stats = all.GetProperty("stats");
        all.GetProperty("device").GetString().ShouldBe("d");
        (long Operations, long Bytes)[] seen = [.. ((string[])["rd", "wr", "unmap"]).Select(kind => (stats.GetProperty($"{kind}_operations").GetInt64(), stats.GetProperty($"{kind}_bytes").GetInt64()))];
        seen.ShouldBe([(1, 1024), (2, 1024), (1, 4096)]);
        stats.GetProperty("flush_operations").GetInt64().ShouldBe(1);
        stats.GetProperty("wr_highest_offset").GetInt64().ShouldBe(4608);
        domain.Do("query-blockstats", """{"query-nodes":true}""").GetArrayLength().ShouldBe(4);

        domain.Domain.Next().ShouldBeOfType<DomainEvent.Resume>();
        Disk locked = domain.Domain.Control.Backends!.Disks[1];
        locked.Write(0, new byte[512]).ShouldBe(BlockResult.Failed);
        locked.Read(4096, new byte[512]).ShouldBe(BlockResult.Failed);
        domain.Domain.Next().ShouldBe(new DomainEvent.BlockError(locked, new DiskFailure(IsWrite: true, StorageError.ReadOnly)));
        domain.Domain.Next().ShouldBe(new DomainEvent.BlockError(locked, new DiskFailure(IsWrite: false, StorageError.OutOfRange)));
        stats = domain.Do("query-blockstats")[1].GetProperty("stats");
        stats.GetProperty("failed_wr_operations").GetInt64().ShouldBe(1);
        stats.GetProperty("failed_rd_operations").GetInt64().ShouldBe(1);
    }

    [Fact]
    public void NodesComeAndGo()
    {
        string raw = Raw("disk.img", 1 << 20), qcow2 = Qcow2("two.qcow2", 2 << 20);
        using var domain = new Monitored(RunningDomain.Options(new DiskOptions(Raw("used.img", 512)) { Format = "raw", NodeName = "used" }));
        Add(domain, new JsonObject { ["driver"] = "file", ["node-name"] = "f0", ["filename"] = raw });
        Add(domain, new JsonObject { ["driver"] = "raw", ["node-name"] = "r0", ["file"] = "f0" });
        Add(domain, new JsonObject { ["driver"] = "qcow2", ["node-name"] = "q0", ["read-only"] = true, ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = qcow2 } });
        Refuse("Duplicate nodes with node-name='r0'", new JsonObject { ["driver"] = "raw", ["node-name"] = "r0", ["file"] = "f0" });
        Refuse(InUse, new JsonObject { ["driver"] = "raw", ["node-name"] = "r1", ["file"] = "f0" });
        Refuse("Cannot find device='none' nor node-name='none'", new JsonObject { ["driver"] = "raw", ["node-name"] = "r1", ["file"] = "none" });
        Refuse("Could not open '/nonexistent': No such file or directory", new JsonObject { ["driver"] = "file", ["node-name"] = "x", ["filename"] = "/nonexistent" });
        Refuse("Image is not in qcow2 format", new JsonObject { ["driver"] = "qcow2", ["node-name"] = "x", ["file"] = File(Raw("empty.img", 4096)) });
        Refuse("Block node is read-only", new JsonObject { ["driver"] = "raw", ["node-name"] = "x", ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = Raw("ro.img", 512), ["read-only"] = true } });
        Refuse("Failed to get \"write\" lock", new JsonObject { ["driver"] = "file", ["node-name"] = "x", ["filename"] = raw });
        Refuse("'node-name' must be specified for the root node", new JsonObject { ["driver"] = "raw", ["file"] = "f0" });
        Refuse("Invalid node-name: '#x'", new JsonObject { ["driver"] = "raw", ["node-name"] = "#x", ["file"] = "f0" });
        Refuse("Node name too long", new JsonObject { ["driver"] = "raw", ["node-name"] = new string('a', 32), ["file"] = "f0" });
        Refuse("Invalid parameter type for 'file', expected: BlockdevRef", new JsonObject { ["driver"] = "raw", ["node-name"] = "x", ["file"] = 5 });
        Refuse("The driver 'raw' takes a node of the driver 'file' only", new JsonObject { ["driver"] = "raw", ["node-name"] = "x", ["file"] = new JsonObject { ["driver"] = "raw", ["file"] = "f0" } });
        Refuse("The cache modes 'direct' and 'no-flush' are not supported", new JsonObject { ["driver"] = "raw", ["node-name"] = "x", ["file"] = "f0", ["cache"] = new JsonObject { ["direct"] = true } });
        domain.Refuse("blockdev-del", """{"node-name":"f0"}""").ShouldBe(InUse);
        domain.Refuse("blockdev-del", """{"node-name":"used"}""").ShouldBe("Node used is in use");
        domain.Do("blockdev-del", """{"node-name":"r0"}""");
        domain.Do("block_resize", """{"node-name":"f0","size":4096}""");
        new FileInfo(raw).Length.ShouldBe(4096);
        domain.Do("blockdev-del", """{"node-name":"f0"}""");
        domain.Do("blockdev-del", """{"node-name":"q0"}""");
        domain.Refuse("blockdev-del", """{"node-name":"f0"}""").ShouldBe("Failed to find node with node-name='f0'");
        domain.Do("query-named-block-nodes").EnumerateArray().Select(static at => at.GetProperty("node-name").GetString()).ShouldBe(["used", "#block001"]);
        Add(domain, new JsonObject { ["driver"] = "file", ["node-name"] = "again", ["filename"] = raw });

        void Refuse(string words, JsonObject arguments) => domain.Refuse("blockdev-add", arguments.ToJsonString()).ShouldBe(words);
    }

    [Fact]
    public void ADiskIsResizedWhileTheGuestRunsAndOverAReset()
    {
        string raw = Raw("disk.img", 1 << 20);
        var engine = new FakeEngine(_ => []);
        using var domain = new Monitored(RunningDomain.Options(new DiskOptions(raw) { Format = "raw", Drive = "d" }, new DiskOptions(Qcow2("q.qcow2", 1 << 20)) { Format = "qcow2", NodeName = "q" }), engine);
        Sectors(domain, 0).ShouldBe(2048);
        domain.Do("block_resize", """{"device":"d","size":2097152}""");
        Sectors(domain, 0).ShouldBe(4096);
        domain.Do("block_resize", """{"node-name":"q","size":4194304}""");
        Sectors(domain, 1).ShouldBe(8192);
        domain.Do("system_reset");
        SpinWait.SpinUntil(() => engine.Guests.Count == 2 && Sectors(domain, 0) == 4096, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        domain.Refuse("block_resize", """{"device":"x","size":5}""").ShouldBe("Cannot find device='x' nor node-name=''");
        domain.Refuse("block_resize", """{"size":5}""").ShouldBe("Cannot find device='' nor node-name=''");
        domain.Refuse("block_resize", """{"device":"d","size":-5}""").ShouldBe("Parameter 'size' expects a >0 size");
        domain.Refuse("block_resize", """{"node-name":"q","size":1000}""").ShouldBe("The new size must be a multiple of 512");
        domain.Refuse("block_resize", """{"device":"d","size":9223372036854775807}""").ShouldStartWith("Failed to resize the image: ");
    }

    [Fact]
    public void NoDriveHasAMediumThatCanBeTakenOut()
    {
        string path = Raw("disk.img", 512), other = Raw("other.img", 512);
        using var domain = new Monitored(RunningDomain.Options(new DiskOptions(path) { Format = "raw", Drive = "d", Id = "vd0" }));
        domain.Refuse("eject", """{"device":"d"}""").ShouldBe("Device 'd' is not removable");
        domain.Refuse("eject", """{"id":"vd0","force":true}""").ShouldBe("Device 'vd0' is not removable");
        domain.Refuse("eject", """{"device":"nope"}""").ShouldBe("Device 'nope' not found");
        domain.Refuse("eject").ShouldBe("Need exactly one of 'device' and 'id'");
        domain.Refuse("blockdev-change-medium", new JsonObject { ["device"] = "d", ["filename"] = other }.ToJsonString()).ShouldBe("Device 'd' is not removable");
        domain.Refuse("blockdev-change-medium", """{"device":"d","filename":"/nonexistent"}""").ShouldBe("Could not open '/nonexistent': No such file or directory");
        domain.Refuse("blockdev-change-medium", """{"device":"nope","filename":"/nonexistent"}""").ShouldBe("Device 'nope' not found");
    }

    private static long? Sectors(Monitored domain, int disk) =>
        domain.Domain.Control.Look<object>(life => ((BlockDevice)life.Devices!.All[disk].Device!).Sectors) as long?;

    private static void Add(Monitored domain, JsonObject arguments) => domain.Do("blockdev-add", arguments.ToJsonString());

    private static JsonObject File(string path) => new() { ["driver"] = "file", ["filename"] = path };

    private string Raw(string name, long size)
    {
        string path = Path.Combine(_folder, name);
        using FileStream file = System.IO.File.Create(path);
        file.SetLength(size);
        return path;
    }

    private string Qcow2(string name, long size)
    {
        string path = Path.Combine(_folder, name);
        ImageCreator.TryCreate(path, new ImageCreation { Format = ImageFormat.Qcow2, Size = size }, null, out _).ShouldBeTrue();
        return path;
    }
}
