using System.Text.Json;
using Hospes.Machine;
using Hospes.Virtio;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>Trays and media as programs move and change them. The guest's side is played on the tray.</summary>
public sealed class MediumTests : IDisposable
{
    private const string Cd = "\"id\":\"cd0\"";

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-media-").FullName;
    private readonly string _first, _second;
    private readonly Monitored _domain;

    public MediumTests()
    {
        (_first, _second) = (Make("first", 4096), Make("second", 8192));
        DiskOptions disc = new(_first) { Format = "raw", IsReadOnly = true, Id = "cd0", Drive = "d0" }, empty = new("") { Id = "cd1", Drive = "d1" }, disk = new(Make("disk", 65536)) { Format = "raw", Id = "hd0", Drive = "d2" };
        var scsi = new ScsiOptions { Id = "s0", Units = [new(disc) { IsDrive = true }, new(empty) { IsDrive = true, Target = 1 }, new(disk) { Target = 2 }] };
        _domain = new Monitored(RunningDomain.Options(scsi));
    }

    public void Dispose()
    {
        _domain.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void DrivesAreShown()
    {
        JsonElement[] drives = [.. _domain.Do("query-block").EnumerateArray()];
        drives.Select(static drive => (drive.GetProperty("device").GetString(), drive.GetProperty("qdev").GetString(), drive.GetProperty("removable").GetBoolean(), drive.TryGetProperty("inserted", out _), drive.TryGetProperty("tray_open", out _)))
            .ShouldBe([("d0", "cd0", true, true, true), ("d1", "cd1", true, false, true), ("d2", "hd0", false, true, false)]);
        drives[0].GetProperty("inserted").GetProperty("ro").GetBoolean().ShouldBeTrue();
        _domain.Do("query-blockstats").EnumerateArray().Select(static at => at.TryGetProperty("node-name", out _)).ShouldBe([true, false, true]);
        _domain.Ask("info block").ShouldBe($"""
            d0 (#block002): {_first} (raw, read-only)
                Attached to:      cd0
                Removable device: not locked, tray closed
                Cache mode:       writeback

            d1: [not inserted]
                Attached to:      cd1
                Removable device: not locked, tray closed

            d2 (#block004): {Path.Combine(_folder, "disk")} (raw)
                Attached to:      hd0
                Cache mode:       writeback

            """.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void TraysOpenAndCloseAndTell()
    {
        Started();
        _domain.Do("blockdev-close-tray", "{" + Cd + "}");
        _domain.Do("blockdev-open-tray", "{" + Cd + "}");
        _domain.Domain.Next().ShouldBe(new DomainEvent.TrayMoved(Disk(0), IsOpen: true));
        _domain.Do("blockdev-open-tray", "{" + Cd + "}");
        IsOpen().ShouldBeTrue();
        _domain.Do("blockdev-close-tray", """{"device":"d0"}""");
        _domain.Domain.Next().ShouldBe(new DomainEvent.TrayMoved(Disk(0), IsOpen: false));
        Vmm.Qmp.MediumCommands.Describe(_domain.Domain.Control, new DomainEvent.TrayMoved(Disk(1), IsOpen: true)).ToJsonString().ShouldBe("""{"device":"d1","id":"cd1","tray-open":true}""");
    }

    [Fact]
    public void ALockedTrayIsAskedForAndOpensByForce()
    {
        Lock();
        _domain.Do("query-block")[0].GetProperty("locked").GetBoolean().ShouldBeTrue();
        _domain.Do("blockdev-open-tray", "{" + Cd + "}");
        IsOpen().ShouldBeFalse();
        _domain.Refuse("eject", "{" + Cd + "}").ShouldBe("Device 'cd0' is locked and force was not specified, wait for tray to open and try again");
        _domain.Refuse("blockdev-change-medium", $$"""{"device":"d0","filename":"{{_second}}"}""").ShouldBe("Device 'd0' is locked and force was not specified, wait for tray to open and try again");
        _domain.Do("query-named-block-nodes").GetArrayLength().ShouldBe(4, "what was opened for it is closed again");
        _domain.Do("eject", "{" + Cd + ",\"force\":true}");
        (IsOpen(), Disk(0).Node, Disk(0).Tray!.IsLocked).ShouldBe((true, null, false));
    }

    [Fact]
    public void MediaAreChanged()
    {
        _domain.Do("blockdev-change-medium", $$"""{{{Cd}},"filename":"{{_second}}","format":"raw"}""");
        (Disk(0).Node!.Path, Disk(0).Length, Disk(0).IsReadOnly, IsOpen()).ShouldBe((_second, 8192, true, false));
        _domain.Do("query-named-block-nodes").GetArrayLength().ShouldBe(4, "the old one is gone");
        _domain.Refuse("blockdev-change-medium", $$"""{{{Cd}},"filename":"/nonexistent"}""").ShouldBe("Could not open '/nonexistent': No such file or directory");
        _domain.Refuse("blockdev-change-medium", $$"""{{{Cd}},"filename":"{{_first}}","format":"vdi"}""").ShouldBe("Unknown driver 'vdi'");
        _domain.Refuse("blockdev-remove-medium", "{" + Cd + "}").ShouldBe("Tray of device 'cd0' is not open");
        _domain.Do("eject", "{" + Cd + "}");
        Disk(0).Length.ShouldBe(0);
        _domain.Do("blockdev-remove-medium", "{" + Cd + "}");
        _domain.Refuse("blockdev-insert-medium", "{" + Cd + ",\"node-name\":\"n\"}").ShouldBe("Node 'n' not found");
        _domain.Do("blockdev-add", $$$"""{"driver":"raw","node-name":"n","read-only":true,"file":{"driver":"file","filename":"{{{_first}}}"}}""");
        _domain.Do("blockdev-insert-medium", "{" + Cd + ",\"node-name\":\"n\"}");
        _domain.Refuse("blockdev-insert-medium", """{"id":"cd1","node-name":"n"}""").ShouldBe("Node 'n' is already in use");
        _domain.Refuse("blockdev-del", """{"node-name":"n"}""").ShouldBe("Node n is in use");
        _domain.Do("blockdev-add", $$$"""{"driver":"raw","node-name":"m","read-only":true,"file":{"driver":"file","filename":"{{{_second}}}"}}""");
        _domain.Refuse("blockdev-insert-medium", "{" + Cd + ",\"node-name\":\"m\"}").ShouldBe("There already is a medium in device 'cd0'");
        _domain.Refuse("blockdev-insert-medium", """{"id":"cd1","node-name":"m"}""").ShouldBe("Tray of device 'cd1' is not open");
        _domain.Do("eject", "{" + Cd + "}");
        _domain.Do("blockdev-del", """{"node-name":"n"}""");
    }

    [Fact]
    public void WhatHasNoTrayIsNotRemovable()
    {
        foreach (string command in (string[])["eject", "blockdev-open-tray", "blockdev-close-tray", "blockdev-remove-medium"]) _domain.Refuse(command, """{"id":"hd0"}""").ShouldBe("Device 'hd0' is not removable");
        _domain.Do("blockdev-add", $$$"""{"driver":"raw","node-name":"n","file":{"driver":"file","filename":"{{{_second}}}"}}""");
        _domain.Refuse("blockdev-insert-medium", """{"id":"hd0","node-name":"n"}""").ShouldBe("Device 'hd0' is not removable");
        _domain.Refuse("blockdev-open-tray").ShouldBe("Need exactly one of 'device' and 'id'");
        _domain.Refuse("blockdev-open-tray", """{"id":"nope"}""").ShouldBe("Device 'nope' not found");
    }

    [Fact]
    public void ReadsEndBeforeTheMediumIsOut()
    {
        byte[] buffer = new byte[512];
        Disk disk = Disk(0);
        bool isOver = false;
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver)) disk.Read(0, buffer).ShouldBeOneOf(BlockResult.Ok, BlockResult.NoMedium);
        });
        reader.Start();
        for (int i = 0; i < 20; i++) _domain.Do("blockdev-change-medium", $$"""{{{Cd}},"filename":"{{(i % 2 == 0 ? _second : _first)}}","format":"raw"}""");
        Volatile.Write(ref isOver, true);
        reader.Join();
        disk.Node!.Path.ShouldBe(_first);
        _domain.Do("eject", "{" + Cd + "}");
        disk.Read(0, buffer).ShouldBe(BlockResult.NoMedium);
        disk.Flush().ShouldBe(BlockResult.NoMedium);
    }

    private void Started() => _domain.Domain.Next().ShouldBeOfType<DomainEvent.Resume>();

    private Disk Disk(int index) => _domain.Domain.Control.Backends!.Disks[index];

    private bool IsOpen() => _domain.Do("query-block")[0].GetProperty("tray_open").GetBoolean();

    private void Lock() => Disk(0).Tray!.Lock(true);

    private string Make(string name, int size)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, new byte[size]);
        return path;
    }
}
