namespace Hospes.Machine.Tests.Clock;

public sealed class IntervalTimerTests
{
    private readonly FakeTime _time = new(DateTimeOffset.UnixEpoch);
    private readonly IntervalTimer _timer;

    public IntervalTimerTests() => _timer = new IntervalTimer(_time);

    [Fact]
    public void Third_counter_measures_ten_milliseconds_as_kernels_do()
    {
        Out(0x61, 0x01);
        Out(0x43, 0xB0);
        Out(0x42, 11932 & 0xFF);
        Out(0x42, 11932 >> 8);
        (In(0x61) & 0x20).ShouldBe(0u);
        _time.Advance(TimeSpan.FromMilliseconds(9.9));
        (In(0x61) & 0x20).ShouldBe(0u);
        _time.Advance(TimeSpan.FromMilliseconds(0.2));
        (In(0x61) & 0x20).ShouldBe(0x20u);
    }

    [Fact]
    public void Count_goes_down_while_the_gate_is_open()
    {
        Out(0x43, 0xB0);
        Out(0x42, 0xFF);
        Out(0x42, 0xFF);
        _time.Advance(TimeSpan.FromMilliseconds(10));
        Count().ShouldBe(0xFFFF);
        Out(0x61, 1);
        _time.Advance(TimeSpan.FromMilliseconds(10));
        Count().ShouldBeInRange(0xFFFF - 11932, 0xFFFF - 11930);
        Out(0x61, 0);
        _time.Advance(TimeSpan.FromMilliseconds(10));
        Count().ShouldBeInRange(0xFFFF - 11932, 0xFFFF - 11930);
    }

    [Fact]
    public void Rate_generator_goes_round()
    {
        Out(0x43, 0x34);
        Out(0x40, 0x9C);
        Out(0x40, 0x2E); // 11932: 100 Hz
        _time.Advance(TimeSpan.FromMilliseconds(1005));
        int count = In(0x40) is uint low ? (int)(low | In(0x40) << 8) : 0;
        count.ShouldBeInRange(11932 / 2 - 100, 11932 / 2 + 100);
    }

    [Fact]
    public void Square_wave_is_high_for_half_of_its_period()
    {
        Out(0x61, 1);
        Out(0x43, 0xB6);
        Out(0x42, 0x9C);
        Out(0x42, 0x2E);
        int high = 0;
        for (int i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromMicroseconds(100));
            if ((In(0x61) & 0x20) != 0) high++;
        }
        high.ShouldBeInRange(48, 52);
    }

    [Fact]
    public void Latched_count_stays_until_it_is_read()
    {
        Out(0x43, 0x34);
        Out(0x40, 0);
        Out(0x40, 0);
        Out(0x43, 0x00);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        (In(0x40) | In(0x40) << 8).ShouldBe(0u, "65536 shows as 0");
        (In(0x40) | In(0x40) << 8).ShouldBe(65536u - 1193);
    }

    [Fact]
    public void Read_back_tells_status_before_count()
    {
        Out(0x43, 0x16); // counter 0, low byte, mode 3
        Out(0x40, 100);
        Out(0x43, 0xC2);
        In(0x40).ShouldBe(0x96u);
        In(0x40).ShouldBe(100u);
    }

    [Fact]
    public void Decimal_counter_counts_in_tens()
    {
        Out(0x43, 0x31);
        Out(0x40, 0x00);
        Out(0x40, 0x10); // 1000
        _time.Advance(TimeSpan.FromTicks(10_000_000L * 100 / 1_193_182 + 1));
        (In(0x40) | In(0x40) << 8).ShouldBe(0x0900u);
    }

    [Fact]
    public void Gate_starts_the_one_shot()
    {
        Out(0x43, 0xB2);
        Out(0x42, 0xE8);
        Out(0x42, 0x03);
        _time.Advance(TimeSpan.FromSeconds(1));
        (In(0x61) & 0x20).ShouldBe(0x20u);
        Out(0x61, 1);
        (In(0x61) & 0x20).ShouldBe(0u);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        (In(0x61) & 0x20).ShouldBe(0x20u);
    }

    [Fact]
    public void System_port_shows_no_errors_and_a_refresh_that_toggles()
    {
        uint first = In(0x61), second = In(0x61);
        ((first ^ second) & 0x10).ShouldBe(0x10u);
        Out(0x61, 0xFF);
        (In(0x61) & 0xC3).ShouldBe(0x03u);
    }

    private int Count()
    {
        Out(0x43, 0x80);
        return (int)(In(0x42) | In(0x42) << 8);
    }

    private uint In(ushort port) => _timer.Read(port, 1);

    private void Out(ushort port, uint value) => _timer.Write(port, 1, value);
}
