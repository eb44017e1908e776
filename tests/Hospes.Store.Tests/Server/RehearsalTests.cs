using Hospes.Store.Client;
using Hospes.Store.Server;
using Hospes.Store.Tests.Support;

namespace Hospes.Store.Tests.Server;

/// <summary>The rehearsal before the first client.</summary>
public sealed class RehearsalTests
{
    [Fact]
    public void EveryRequestIsCarriedOutButTheTwoOfEachPassThatAreMeantToBeRefused()
    {
        (int answered, int refused) = Rehearsal.Run();
        refused.ShouldBe(3 * 2);
        answered.ShouldBeGreaterThanOrEqualTo(3 * 24);
    }

    [Fact]
    public async Task NothingOfItIsLeftInTheServer()
    {
        using var server = new RunningServer(options => options with { Rehearses = true });
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(server.Socket);
        (await client.ListAsync("/")).ShouldBe(["tool"]);
        server.Server.Loop.Metrics.Commits.ShouldBe(0);
    }
}
