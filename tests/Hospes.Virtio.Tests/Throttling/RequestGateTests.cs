namespace Hospes.Virtio.Tests.Throttling;

/// <summary>What limits let through, over simulated time.</summary>
public sealed class RequestGateTests
{
    private readonly ManualClock _time = new();

    [Fact]
    public void Without_limits_everything_may_begin()
    {
        var gate = new RequestGate(_time);
        for (int i = 0; i < 1000; i++) gate.TryBegin(i % 2 == 0, ulong.MaxValue).ShouldBe(TimeSpan.Zero);
    }

    [Theory]
    [InlineData(100, 4096)]
    [InlineData(1000, 512)]
    [InlineData(10, 1 << 20)]
    public void In_the_long_run_there_are_as_many_operations_as_allowed(ulong rate, uint bytes)
    {
        var gate = new RequestGate(_time) { Limits = new RequestLimits { Operations = new RateLimit(rate) } };
        Run(gate, seconds: 20, isWrite: false, bytes).ShouldBeInRange(20 * (long)rate, (20 * (long)rate) + ((long)rate / 10) + 1);
    }

    [Fact]
    public void Bytes_are_counted_by_direction()
    {
        var gate = new RequestGate(_time) { Limits = new RequestLimits { WriteBytes = new RateLimit(1 << 20) } };
        Run(gate, 10, isWrite: true, 65536).ShouldBeInRange(160, 163);
        for (int i = 0; i < 100; i++) gate.TryBegin(false, 1 << 30).ShouldBe(TimeSpan.Zero);
        while (gate.TryBegin(true, 1 << 20) == TimeSpan.Zero)
        {
        }
        gate.TryBegin(false, 1 << 30).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void A_single_large_request_is_paid_for_afterwards()
    {
        var gate = new RequestGate(_time) { Limits = new RequestLimits { Bytes = new RateLimit(1000) } };
        gate.TryBegin(true, 10_000).ShouldBe(TimeSpan.Zero);
        gate.TryBegin(false, 1).TotalSeconds.ShouldBe(9.9, 0.001);
        _time.Advance(TimeSpan.FromSeconds(9.95));
        gate.TryBegin(false, 1).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void What_is_asked_for_first_counts_once_it_begins()
    {
        var gate = new RequestGate(_time) { Limits = new RequestLimits { WriteBytes = new RateLimit(1000), Operations = new RateLimit(1) } };
        for (int i = 0; i < 100; i++) gate.Ask(true).ShouldBe(TimeSpan.Zero);
        gate.Count(true, 2100);
        gate.Ask(true).TotalSeconds.ShouldBe(2, 0.001);
        gate.Ask(false).TotalSeconds.ShouldBe(0.9, 0.001, "operations count together");
        _time.Advance(TimeSpan.FromSeconds(2));
        gate.Ask(true).ShouldBe(TimeSpan.Zero);
        gate.Limits = new RequestLimits();
        gate.Count(true, ulong.MaxValue);
        gate.Ask(true).ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void All_limits_have_their_order()
    {
        RateLimit[] all = [.. Enumerable.Range(1, 6).Select(static rate => new RateLimit((ulong)rate))];
        RequestLimits limits = RequestLimits.Of(all, 7);
        limits.All.ShouldBe(all);
        limits.ShouldBe(new RequestLimits { Bytes = all[0], ReadBytes = all[1], WriteBytes = all[2], Operations = all[3], ReadOperations = all[4], WriteOperations = all[5], OperationSize = 7 });
    }

    [Fact]
    public void A_burst_is_faster_for_a_while_and_comes_back()
    {
        var gate = new RequestGate(_time) { Limits = new RequestLimits { Operations = new RateLimit(100, 1000, 3) } };
        long first = Run(gate, 2, false, 512);
        first.ShouldBeInRange(2000, 2200, "the burst's rate");
        Run(gate, 60, false, 512).ShouldBeInRange(6000, 8200, "what is left of the burst, and then the rate");
        long later = Run(gate, 10, false, 512);
        later.ShouldBeInRange(990, 1010);
        _time.Advance(TimeSpan.FromSeconds(100));
        Run(gate, 2, false, 512).ShouldBeInRange(2000, 2200);
    }

    [Fact]
    public void Long_operations_count_as_several()
    {
        var gate = new RequestGate(_time) { Limits = new RequestLimits { Operations = new RateLimit(100), OperationSize = 4096 } };
        Run(gate, 10, false, 40960).ShouldBeInRange(100, 102);
    }

    [Fact]
    public void Other_limits_count_at_once()
    {
        var gate = new RequestGate(_time) { Limits = new RequestLimits { Bytes = new RateLimit(1) } };
        int told = 0;
        gate.Changed += () => told++;
        gate.TryBegin(true, 1 << 30);
        gate.TryBegin(true, 1).ShouldBe(TimeSpan.FromSeconds(3600));
        gate.Limits = new RequestLimits();
        gate.TryBegin(true, 1).ShouldBe(TimeSpan.Zero);
        told.ShouldBe(1);
        gate.Limits.IsLimited.ShouldBeFalse();
    }

    /// <summary>Begins as many as may, and waits as long as told.</summary>
    private long Run(RequestGate gate, double seconds, bool isWrite, uint bytes)
    {
        long end = _time.GetTimestamp() + TimeSpan.FromSeconds(seconds).Ticks, begun = 0;
        while (_time.GetTimestamp() < end)
        {
            TimeSpan wait = gate.TryBegin(isWrite, bytes);
            if (wait == TimeSpan.Zero) begun++;
            else _time.Advance(wait);
        }
        return begun;
    }
}
