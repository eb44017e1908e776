using Hospes.Store.Client;
using Hospes.Store.Tests.Support;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Client;

/// <summary>The client library, against a server.</summary>
public sealed class XenStoreClientTests : IDisposable
{
    private readonly RunningServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task NodesAreReadAndChanged()
    {
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        await client.WriteAsync("/a/b", "text");
        (await client.ReadTextAsync("/a/b")).ShouldBe("text");
        (await client.TryReadAsync("/none")).ShouldBeNull();
        (await client.ExistsAsync("/a")).ShouldBeTrue();
        (await client.ListAsync("/a")).ShouldBe(["b"]);
        (await client.ListAsync("/a/b")).ShouldBeEmpty();
        await client.SetPermissionsAsync("/a", [new NodePermission(5, NodeAccess.None), new NodePermission(6, NodeAccess.Read)]);
        (await client.GetPermissionsAsync("/a")).Select(entry => entry.ToString()).ShouldBe(["n5", "r6"]);
        await client.MakeDirectoryAsync("/a/c");
        await client.RemoveAsync("/a");
        (await client.GetDomainPathAsync(9)).ShouldBe("/local/domain/9");
        (await client.ControlAsync(["check"])).ShouldBe("OK");
        XenStoreException refused = await Should.ThrowAsync<XenStoreException>(() => client.ReadAsync("/a"));
        refused.Error.ShouldBe(XsError.NotFound);
        refused.Message.ShouldBe("Read /a: ENOENT");
        (await Should.ThrowAsync<XenStoreException>(() => client.WriteAsync("/a", new byte[5000]))).Error.ShouldBe(XsError.TooBig);
    }

    [Fact]
    public async Task ALongListIsReadWhole()
    {
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        await Task.WhenAll(Enumerable.Range(0, 3000).Select(i => client.MakeDirectoryAsync($"/long/name{i:d5}")));
        (await client.ListAsync("/long")).Order().ShouldBe(Enumerable.Range(0, 3000).Select(i => $"name{i:d5}"));
    }

    [Fact]
    public async Task ManyCallersShareOneConnection()
    {
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async caller =>
        {
            for (int i = 0; i < 50; i++)
            {
                await client.WriteAsync($"/c/{caller}", $"{i}");
                (await client.ReadTextAsync($"/c/{caller}")).ShouldBe($"{i}");
            }
        }));
    }

    [Fact]
    public async Task TransactionsAreTriedUntilTheyCommit()
    {
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        await client.WriteAsync("/counter", "0");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await using XenStoreClient own = await XenStoreClient.ConnectAsync(_server.Socket);
            for (int i = 0; i < 25; i++)
                await own.RunAsync(async tx => await tx.WriteAsync("/counter", $"{int.Parse(await tx.ReadTextAsync("/counter")) + 1}"));
        }));
        (await client.ReadTextAsync("/counter")).ShouldBe("200");
    }

    [Fact]
    public async Task AFailingTransactionLeavesNothing()
    {
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        await Should.ThrowAsync<InvalidDataException>(() => client.RunAsync(async tx =>
        {
            await tx.WriteAsync("/a", "1");
            throw new InvalidDataException();
        }));
        (await client.ExistsAsync("/a")).ShouldBeFalse();
        _server.Server.Transactions.OpenCount.ShouldBe(0);
    }

    [Fact]
    public async Task WatchesAreEnumeratedAndEndWithTheEnumeration()
    {
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        var seen = new List<string>();
        await foreach (WatchEvent fired in client.WatchAsync("/w", depth: 1))
        {
            seen.Add(fired.Path);
            if (seen.Count == 1)
            {
                await client.WriteAsync("/w/a/deep", "1");
                await client.WriteAsync("/w/a", "1");
            }
            if (seen.Count == 2) break;
        }
        seen.ShouldBe(["/w", "/w/a"]);
        _server.Server.State.Watches.Count.ShouldBe(0);
    }

    [Fact]
    public async Task CancellationEndsAWatch()
    {
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        using var cancel = new CancellationTokenSource();
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (WatchEvent _ in client.WatchAsync("/w", cancellation: cancel.Token)) await cancel.CancelAsync();
        });
        await client.ReadAsync("/tool");
    }

    [Fact]
    public async Task ALostServerFailsWhatWaits()
    {
        await using XenStoreClient client = await XenStoreClient.ConnectAsync(_server.Socket);
        IAsyncEnumerator<WatchEvent> watch = client.WatchAsync("/w").GetAsyncEnumerator();
        await watch.MoveNextAsync();
        _server.Server.Dispose();
        await Should.ThrowAsync<IOException>(async () => await watch.MoveNextAsync());
        await Should.ThrowAsync<IOException>(() => client.ReadAsync("/tool"));
    }
}
