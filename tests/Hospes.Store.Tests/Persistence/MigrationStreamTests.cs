using Hospes.Store.Persistence;
using Hospes.Store.Tree;

namespace Hospes.Store.Tests.Persistence;

/// <summary>Xen's migration stream (xenstore-migration.md).</summary>
public sealed class MigrationStreamTests
{
    private static readonly MigrationNode[] Nodes =
    [
        new("/", [], [new(0, NodeAccess.None)]),
        new("/a", [0, 1, 255], [new(5, NodeAccess.Read), new(6, NodeAccess.Both, Ignored: true)]),
        new("@releaseDomain", [], [new(0, NodeAccess.Write)]),
    ];

    private static async Task<byte[]> WriteAsync(IEnumerable<MigrationNode> nodes)
    {
        using var stream = new MemoryStream();
        await MigrationStream.WriteAsync(stream, nodes.ToAsyncEnumerable());
        return stream.ToArray();
    }

    private static async Task<List<MigrationNode>> ReadAsync(byte[] bytes)
    {
        var nodes = new List<MigrationNode>();
        await foreach (MigrationNode node in MigrationStream.ReadAsync(new MemoryStream(bytes))) nodes.Add(node);
        return nodes;
    }

    [Fact]
    public async Task TheBytesAreThoseOfTheSpecification()
    {
        byte[] bytes = await WriteAsync([Nodes[1]]);
        Convert.ToHexString(bytes).ShouldBe(
            "78656E73746F7265" + "00000001" + "00000000"
            + "05000000" + "1E000000" + "00000000" + "00000000" + "0300" + "0300" + "0000" + "0200" + "72000500" + "62010600" + "2F6100" + "0001FF" + "0000"
            + "00000000" + "00000000");
    }

    [Fact]
    public async Task WhatIsWrittenIsRead()
    {
        List<MigrationNode> read = await ReadAsync(await WriteAsync(Nodes));
        read.Count.ShouldBe(3);
        for (int i = 0; i < read.Count; i++)
        {
            read[i].Path.ShouldBe(Nodes[i].Path);
            read[i].Value.ShouldBe(Nodes[i].Value);
            read[i].Permissions.ShouldBe(Nodes[i].Permissions);
        }
    }

    [Fact]
    public async Task BigEndianAndOtherRecordsAreRead()
    {
        byte[] bytes = Convert.FromHexString("78656E73746F7265" + "00000002" + "00000001"
            + "00000001" + "00000008" + "FFFFFFFF" + "FFFFFFFF"
            + "00000005" + "00000017" + "00000000" + "00000000" + "0003" + "0000" + "0000" + "0001" + "6E000007" + "2F6200" + "00"
            + "00000000" + "00000000");
        MigrationNode node = (await ReadAsync(bytes)).Single();
        node.Path.ShouldBe("/b");
        node.Permissions.ShouldBe([new NodePermission(7, NodeAccess.None)]);
    }

    [Fact]
    public async Task CutAndDamagedStreamsAreRefused()
    {
        byte[] whole = await WriteAsync(Nodes);
        for (int cut = 0; cut < whole.Length; cut++) await Should.ThrowAsync<InvalidDataException>(() => ReadAsync(whole[..cut]));
        var random = new Random(8);
        for (int i = 0; i < 5000; i++)
        {
            byte[] damaged = [.. whole];
            for (int n = 0; n < 3; n++) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                await ReadAsync(damaged);
            }
            catch (InvalidDataException)
            {
                // Refused with a reason; what must not happen is anything else.
            }
        }
    }
}
