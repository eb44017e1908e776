namespace Hospes.Machine.Tests.Clock;

public sealed class CmosClockTests : IDisposable
{
    private readonly FakeTime _time = new(new DateTimeOffset(2026, 11, 21, 13, 59, 58, TimeSpan.Zero));
    private readonly CmosClock _clock;
    private int _interrupts;

    public CmosClockTests()
    {
        var ioApic = new IoApic((_, _) =>
        {
            _interrupts++;
            return true;
        });
        ioApic.Write(0, 4, 0x10 + 8 * 2);
        ioApic.Write(0x10, 4, 0x38);
        _clock = new CmosClock(_time, new InterruptRouter(ioApic, new PicPair(_ => { })).Line(8));
    }

    [Fact]
    public void Shows_the_time_in_bcd()
    {
        Get(0, 2, 4, 7, 8, 9, 0x32, 6).ShouldBe([0x58, 0x59, 0x13, 0x21, 0x11, 0x26, 0x20, 7]);
        Get(0x0D).ShouldBe([0x80]);
        _clock.Read(0x70, 1).ShouldBe(0xFFu);
    }

    [Fact]
    public void Tells_how_far_ahead_the_guest_set_it()
    {
        var told = new List<TimeSpan>();
        _clock.Changed = () => told.Add(_clock.Ahead);
        Set(4, 0x15);
        Set(2, 0x00);
        told.ShouldBe([TimeSpan.FromHours(2), TimeSpan.FromHours(2) - TimeSpan.FromMinutes(59)]);
    }

    [Fact]
    public void Shows_the_time_moved_by_as_much_as_it_was_told()
    {
        using var clock = new CmosClock(_time, new InterruptRouter(new IoApic((_, _) => true), new PicPair(_ => { })).Line(8), TimeSpan.FromHours(-14));
        clock.Write(0x70, 1, 4);
        clock.Read(0x71, 1).ShouldBe(0x23u);
        clock.Write(0x70, 1, 7);
        clock.Read(0x71, 1).ShouldBe(0x20u);
    }

    [Fact]
    public void Shows_the_time_in_binary_and_with_twelve_hours()
    {
        Set(0x0B, 0x06);
        Get(0, 2, 4, 9, 0x32).ShouldBe([58, 59, 13, 26, 20]);
        Set(0x0B, 0x04);
        Get(4).ShouldBe([0x81]);
        Set(0x0B, 0x00);
        Get(4).ShouldBe([0x81]);
        _time.Advance(TimeSpan.FromHours(11));
        Get(4).ShouldBe([0x12]);
    }

    [Fact]
    public void Time_moves_with_the_clock()
    {
        _time.Advance(TimeSpan.FromSeconds(3));
        Get(0, 2, 4).ShouldBe([0x01, 0x00, 0x14]);
    }

    [Fact]
    public void Guest_sets_the_time_under_hold()
    {
        Set(0x0B, 0x82);
        foreach ((byte register, byte value) in new (byte, byte)[] { (0, 0x30), (2, 0x20), (4, 0x10), (7, 0x29), (8, 0x02), (9, 0x24), (0x32, 0x20) })
        {
            Set(register, value);
        }
        _time.Advance(TimeSpan.FromSeconds(5));
        Get(0).ShouldBe([0x30]);
        Set(0x0B, 0x02);
        _time.Advance(TimeSpan.FromDays(1));
        Get(0, 2, 4, 7, 8, 9, 0x32).ShouldBe([0x30, 0x20, 0x10, 0x01, 0x03, 0x24, 0x20]);
    }

    [Fact]
    public void One_register_can_be_set_while_the_clock_runs()
    {
        Set(4, 0x07);
        _time.Advance(TimeSpan.FromSeconds(2));
        Get(0, 2, 4).ShouldBe([0x00, 0x00, 0x08]);
    }

    [Fact]
    public void What_is_no_date_is_not_taken()
    {
        Set(0x0B, 0x82);
        Set(8, 0x13);
        Set(4, 0xFF);
        Set(0x0B, 0x02);
        Get(8, 4).ShouldBe([0x11, 0x13]);
    }

    [Fact]
    public void Update_in_progress_shows_just_before_the_second_ends()
    {
        Get(0x0A).ShouldBe([0x26]);
        _time.Advance(TimeSpan.FromMicroseconds(999_800));
        Get(0x0A).ShouldBe([0xA6]);
        _time.Advance(TimeSpan.FromMicroseconds(200));
        Get(0x0A).ShouldBe([0x26]);
        Set(0x0A, 0xFF);
        Get(0x0A).ShouldBe([0x7F]);
    }

    [Fact]
    public void Update_interrupt_comes_each_second_until_it_is_turned_off()
    {
        Set(0x0B, 0x12);
        for (int i = 1; i <= 3; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1.01));
            _interrupts.ShouldBe(i);
            Get(0x0C).ShouldBe([0x90]);
            Get(0x0C).ShouldBe([0]);
        }
        Set(0x0B, 0x02);
        _time.Advance(TimeSpan.FromSeconds(5));
        _interrupts.ShouldBe(3);
        Get(0x0C).ShouldBe([0x10]);
    }

    [Fact]
    public void Alarm_interrupts_when_its_time_comes()
    {
        Set(1, 0x05);
        Set(3, 0x00);
        Set(5, 0xC0);
        Set(0x0B, 0x22);
        _time.Advance(TimeSpan.FromSeconds(6));
        _interrupts.ShouldBe(0);
        _time.Advance(TimeSpan.FromSeconds(2));
        _interrupts.ShouldBe(1);
        Get(0x0C).ShouldBe([0xB0]);
    }

    [Fact]
    public void Alarm_that_passed_unseen_is_noted()
    {
        Set(1, 0x30);
        Set(3, 0xFF);
        Set(5, 0xFF);
        _time.Advance(TimeSpan.FromDays(400));
        Get(0x0C).ShouldBe([0x30]);
    }

    [Fact]
    public void Memory_keeps_what_is_written_and_the_top_index_bit_is_no_address()
    {
        Set(0x7F, 0xA5);
        Set(0x0C, 0xFF);
        Set(0x0D, 0x00);
        Get(0x7F, 0x0C, 0x0D).ShouldBe([0xA5, 0, 0x80]);
        _clock.Write(0x70, 1, 0xFF);
        _clock.Read(0x71, 1).ShouldBe(0xA5u);
    }

    public void Dispose() => _clock.Dispose();

    private byte[] Get(params byte[] registers) => [.. registers.Select(register =>
    {
        _clock.Write(0x70, 1, register);
        return (byte)_clock.Read(0x71, 1);
    })];

    private void Set(byte register, byte value)
    {
        _clock.Write(0x70, 1, register);
        _clock.Write(0x71, 1, value);
    }
}
