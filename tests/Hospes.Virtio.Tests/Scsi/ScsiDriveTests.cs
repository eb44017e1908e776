namespace Hospes.Virtio.Tests.Scsi;

/// <summary>A CD-ROM drive: its tray, its disc, and the commands that Linux' sr gives it.</summary>
public sealed class ScsiDriveTests
{
    private const int Sector = 2048, Sectors = 100;

    private static readonly byte[] s_ready = [0x00], s_eject = [0x1B, 0, 0, 0, 2], s_load = [0x1B, 0, 0, 0, 3], s_lock = [0x1E, 0, 0, 0, 1], s_unlock = [0x1E];
    private static readonly byte[] s_events = [0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8];

    private readonly MemoryDisk _disc = new(Sectors * Sector);
    private readonly Tray _tray = new(hasMedium: true);
    private readonly List<bool> _moves = [];
    private readonly ScsiUnit _unit;
    private readonly FakeInitiator _initiator;

    public ScsiDriveTests()
    {
        _tray.Moved = _moves.Add;
        _unit = ScsiUnit.Make(new ScsiUnitSettings(0, 0, _disc) { Tray = _tray, IsReadOnly = true });
        _initiator = new FakeInitiator(_unit);
        _initiator.Refuse(s_ready).ShouldBe(Sense.PowerOn);
    }

    [Fact]
    public void The_disc_is_read_and_not_written()
    {
        new Random(1).NextBytes(_disc.Bytes);
        _initiator.Do(s_ready);
        _initiator.Do([0x12, 0, 0, 0, 36, 0], 36)[..2].ShouldBe([5, 0x80]);
        _initiator.Do([0x25], 8).ShouldBe([0, 0, 0, Sectors - 1, 0, 0, 8, 0]);
        _initiator.Do([0x28, 0, 0, 0, 0, 7, 0, 0, 2], 2 * Sector).ShouldBe(_disc.Bytes[(7 * Sector)..(9 * Sector)]);
        _initiator.Refuse([0x28, 0, 0, 0, 0, Sectors, 0, 0, 1], Sector).ShouldBe(Sense.OutOfRange);
        _initiator.Refuse([0x2A, 0, 0, 0, 0, 0, 0, 0, 1], data: new byte[Sector]).ShouldBe(Sense.WriteProtected);
        _initiator.Refuse([0x42, 0, 0, 0, 0, 0, 0, 0, 8], data: new byte[8]).ShouldBe(Sense.InvalidOperationCode);
    }

    [Fact]
    public void The_guest_opens_and_closes_the_tray()
    {
        _initiator.Do(s_eject);
        (_tray.IsOpen, _tray.HasMedium).ShouldBe((true, true));
        _initiator.Refuse(s_ready).ShouldBe(Sense.MediumNotPresentTrayOpen);
        _initiator.Refuse([0x28, 0, 0, 0, 0, 0, 0, 0, 1], Sector).ShouldBe(Sense.MediumNotPresentTrayOpen);
        _initiator.Do(s_eject);
        _initiator.Do(s_load);
        _initiator.Refuse(s_ready).ShouldBe(Sense.MediumChanged, "it may be another one");
        _initiator.Do(s_ready);
        _initiator.Do([0x1B, 0, 0, 0, 1]);
        _initiator.Do([0x1B, 0, 0, 0, 0x32]);
        _moves.ShouldBe([true, false]);
    }

    [Fact]
    public void A_locked_tray_opens_for_nobody_but_by_force()
    {
        _initiator.Do(s_lock);
        _initiator.Refuse(s_eject).ShouldBe(Sense.RemovalPrevented);
        _tray.TryOpen(force: false).ShouldBeFalse();
        _initiator.Do(s_events, 8).ShouldBe([0, 6, 4, 0x10, 1, 2, 0, 0], "the guest is asked for it");
        _initiator.Do(s_events, 8)[4].ShouldBe((byte)0, "once");
        _moves.ShouldBeEmpty();
        _tray.TryOpen(force: true).ShouldBeTrue();
        (_tray.IsLocked, _tray.IsOpen).ShouldBe((false, true));
        _initiator.Do(s_events, 8).ShouldBe([0, 6, 4, 0x10, 3, 1, 0, 0], "what lies in an open tray is not there");
        _tray.Close();
        _initiator.Do(s_events, 8).ShouldBe([0, 6, 4, 0x10, 2, 2, 0, 0], "events are told before everything else");
        _initiator.Refuse(s_lock).ShouldBe(Sense.MediumChanged);
        _initiator.Do(s_lock);
        _initiator.Do(s_unlock);
        _tray.TryOpen(force: false).ShouldBeTrue();
        _tray.Close();
        _initiator.Refuse(s_ready).ShouldBe(Sense.MediumChanged);
        _initiator.Do(s_lock);
        _unit.Reset();
        _tray.IsLocked.ShouldBeFalse("a reset unlocks");
    }

    [Fact]
    public void Another_medium_is_told_of()
    {
        _tray.TryOpen(force: false).ShouldBeTrue();
        _tray.HasMedium = false;
        _tray.Close();
        _initiator.Refuse(s_ready).ShouldBe(Sense.MediumNotPresentTrayClosed);
        _initiator.Do(s_events, 8)[4..6].ShouldBe([3, 0]);
        _initiator.Refuse([0x43], 20).ShouldBe(Sense.MediumNotPresentTrayClosed);
        _initiator.Refuse([0x25], 8).ShouldBe(Sense.MediumNotPresentTrayClosed);
        _initiator.Do([0x46, 0, 0, 0, 0, 0, 0, 0, 8], 8)[6..].ShouldBe([0, 0], "no profile without a disc");
        _tray.TryOpen(force: false).ShouldBeTrue();
        _tray.HasMedium = true;
        _initiator.Refuse(s_ready).ShouldBe(Sense.MediumNotPresentTrayOpen);
        _disc.Resize(8 * Sector);
        _tray.Close();
        _initiator.Refuse(s_ready).ShouldBe(Sense.MediumChanged);
        _initiator.Do([0x25], 8)[3].ShouldBe((byte)7);
        _disc.Answer = BlockResult.NoMedium;
        _initiator.Refuse([0x28, 0, 0, 0, 0, 0, 0, 0, 1], Sector).ShouldBe(Sense.MediumNotPresentTrayClosed, "it went while it was read");
    }

    [Fact]
    public void The_disc_has_one_track()
    {
        _initiator.Do([0x43, 0, 0, 0, 0, 0, 0, 0, 255], 255).ShouldBe([0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xAA, 0, 0, 0, 0, Sectors]);
        _initiator.Do([0x43, 2, 0, 0, 0, 0, 0xAA, 0, 255], 255).ShouldBe([0, 10, 1, 1, 0, 0x14, 0xAA, 0, 0, 0, 3, 25]);
        byte[] session = [0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0];
        _initiator.Do([0x43, 0, 1, 0, 0, 0, 0, 0, 12], 12).ShouldBe(session);
        _initiator.Do([0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40], 12).ShouldBe(session);
        _initiator.Refuse([0x43, 0, 2], 255).ShouldBe(Sense.InvalidField);
        _initiator.Refuse([0x43, 0, 0, 0, 0, 0, 2, 0, 12], 12).ShouldBe(Sense.InvalidField);
        byte[] disc = _initiator.Do([0x51, 0, 0, 0, 0, 0, 0, 0, 34], 34);
        disc[..8].ShouldBe([0, 32, 0x0E, 1, 1, 1, 1, 0x20]);
        _initiator.Refuse([0x51, 1, 0, 0, 0, 0, 0, 0, 34], 34).ShouldBe(Sense.InvalidField);
    }

    [Fact]
    public void The_drive_says_what_it_can()
    {
        byte[] modes = _initiator.Do([0x5A, 8, 0x2A, 0, 0, 0, 0, 0, 255], 255);
        (modes.Length, modes[8], modes[9], modes[14]).ShouldBe((30, (byte)0x2A, (byte)20, (byte)0x29));
        _initiator.Do(s_lock);
        _initiator.Do([0x5A, 8, 0x2A, 0, 0, 0, 0, 0, 255], 255)[14].ShouldBe((byte)0x2B);
        byte[] all = _initiator.Do([0x46, 0, 0, 0, 0, 0, 0, 0, 255], 255);
        (all[3], all[7]).ShouldBe(((byte)(all.Length - 4), (byte)8));
        _initiator.Do([0x46, 2, 0, 3, 0, 0, 0, 0, 255], 255).ShouldBe([0, 0, 0, 12, 0, 0, 0, 8, 0, 3, 3, 4, 0x29, 0, 0, 0]);
        _initiator.Do([0x46, 2, 0, 99, 0, 0, 0, 0, 255], 255).Length.ShouldBe(8);
        _initiator.Do([0x46, 1, 0, 0x1E, 0, 0, 0, 0, 255], 255).Length.ShouldBe(16, "of the last two only the CD's");
        _initiator.Do([0x4A, 1, 0, 0, 0, 0, 0, 0, 8], 8).ShouldBe([0, 2, 0x80, 0x10]);
        _initiator.Refuse([0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8], 8).ShouldBe(Sense.InvalidField);
        _initiator.Do([0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8], 8).ShouldBe(new byte[8]);
    }
}
