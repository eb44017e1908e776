using System.Diagnostics;
using Shouldly;
using Xunit;

namespace Hospes.Hypervisor.Tests;

public sealed class PollWindowTests
{
    private static readonly bool s_isAlone = Environment.ProcessorCount == 1;

    [Fact]
    public void A_new_window_is_closed() => Window().IsOpen.ShouldBeFalse();

    [Fact]
    public void Nobody_looks_through_a_closed_window() => Window().LooksAgain(PollWindow.Now).ShouldBeFalse();

    [Fact]
    public void Short_waits_open_the_window_unless_the_host_has_but_one_processor()
    {
        PollWindow window = Window();
        window.Adapt(100_000);
        window.IsOpen.ShouldBe(!s_isAlone);
    }

    [Fact]
    public void An_open_window_lets_look_until_its_time_is_over()
    {
        PollWindow window = Window();
        window.Adapt(100_000);
        window.LooksAgain(Ago(milliseconds: 1)).ShouldBeFalse();
        // A start that is yet to come is as good as one just now, and no load of the host can use up its time.
        window.LooksAgain(Ago(milliseconds: -60_000)).ShouldBe(!s_isAlone);
    }

    [Fact]
    public void Long_waits_close_the_window()
    {
        PollWindow window = Window();
        for (int i = 0; i < 10; i++) window.Adapt(150_000);
        for (int i = 0; i < 10; i++) window.Adapt(4_000_000);
        window.IsOpen.ShouldBeFalse();
    }

    private static PollWindow Window() => default;

    private static long Ago(double milliseconds) => PollWindow.Now - (long)(milliseconds * Stopwatch.Frequency / 1000);
}
