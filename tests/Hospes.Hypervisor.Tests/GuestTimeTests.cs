namespace Hospes.Hypervisor.Tests;

public sealed class GuestTimeTests
{
    private readonly HostTime _host = new();

    [Fact]
    public void TimeStandsWhileItIsStoppedAndGoesOnWithoutAJump()
    {
        var time = new GuestTime(_host);
        int changes = 0;
        time.Changed += () => changes++;
        _host.Now = 100;
        time.GetTimestamp().ShouldBe(100);
        time.Stop();
        time.Stop();
        time.IsStopped.ShouldBeTrue();
        _host.Now = 500;
        time.GetTimestamp().ShouldBe(100);
        time.Resume();
        time.Resume();
        time.IsStopped.ShouldBeFalse();
        time.GetTimestamp().ShouldBe(100);
        _host.Now = 510;
        time.GetTimestamp().ShouldBe(110);
        time.Stop();
        _host.Now = 600;
        time.Resume();
        time.GetTimestamp().ShouldBe(110);
        changes.ShouldBe(4);
    }

    [Fact]
    public void TheTimeOfDayIsTheHosts()
    {
        var time = new GuestTime(_host);
        time.Stop();
        time.GetUtcNow().ShouldBe(_host.GetUtcNow());
        time.TimestampFrequency.ShouldBe(_host.TimestampFrequency);
        time.Host.ShouldBe(_host);
    }

    [Fact]
    public void WhoReadsWhileOthersStopAndResumeNeverSeesTimeGoBack()
    {
        var time = new GuestTime(TimeProvider.System);
        using var end = new CancellationTokenSource();
        Task changing = Task.Run(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                time.Stop();
                time.Resume();
            }
            end.Cancel();
        });
        long last = time.GetTimestamp();
        while (!end.IsCancellationRequested)
        {
            long now = time.GetTimestamp();
            now.ShouldBeGreaterThanOrEqualTo(last);
            last = now;
        }
        changing.IsFaulted.ShouldBeFalse();
    }

    private sealed class HostTime : TimeProvider
    {
        public long Now { get; set; }

        public override long GetTimestamp() => Now;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(Now);
    }
}
