using Hospes.Store.Server;

namespace Hospes.Store.Tests.Server;

/// <summary>The rule for what connections that flood get of the store's time; the clock's tick is a microsecond.</summary>
public sealed class FloodBudgetTests
{
    private const int Round = 50;

    /// <summary>Rounds of 50 us, in each of which the others use a part and the flood takes what the budget allows, 10 us at a time; gives the flood's part of the time.</summary>
    private static double PartOf(int others, int rounds = 4000)
    {
        var budget = new FloodBudget(1_000_000);
        long now = 1_000_000, used = 0;
        for (int i = 0; i < rounds; i++)
        {
            now += Round;
            budget.Advance(now, others);
            for (int room = Round - others; room >= 10 && budget.IsOpen; room -= 10)
            {
                budget.Spend(10);
                used += 10;
            }
        }
        return used / (double)(rounds * Round);
    }

    [Fact]
    public void AFloodThatIsAloneHasAllTheTime() => PartOf(others: 0).ShouldBe(1, 0.01);

    [Fact]
    public void WhatOthersUseCountsDouble()
    {
        PartOf(others: 5).ShouldBe(0.8, 0.02);
        PartOf(others: 15).ShouldBe(0.4, 0.02);
    }

    [Fact]
    public void BesideOthersThatKeepTheStoreBusyItHasASixteenth()
    {
        PartOf(others: 25).ShouldBe(1 / 16.0, 0.01);
        PartOf(others: 40).ShouldBe(1 / 16.0, 0.01);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(5000)]
    [InlineData(60_000_000)]
    public void ADebtIsOverAfterTheTimeThatIsSaid(long taken)
    {
        var budget = new FloodBudget(1_000_000);
        long now = 10_000;
        budget.Advance(now, 0);
        while (now < 20_000) budget.Advance(now += Round, Round);
        budget.Spend(taken);
        budget.IsOpen.ShouldBeFalse();
        budget.WaitTime.ShouldBeInRange(1, 33);
        budget.Advance(now + budget.WaitTime * 1000, 0);
        budget.IsOpen.ShouldBeTrue();
    }

    [Fact]
    public void TimeInWhichNobodyAskedIsNotPaidOutInOneGo()
    {
        var budget = new FloodBudget(1_000_000);
        budget.Advance(1_000, 0);
        budget.Advance(60_000_000, 0);
        budget.Spend(251);
        budget.IsOpen.ShouldBeFalse();
        budget.WaitTime.ShouldBe(1);
    }
}
