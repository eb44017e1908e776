using System.Text;
using Hospes.Store.Rings;
using Hospes.Store.Server;
using Hospes.Store.Tests.Support;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Memory;

/// <summary>Looking nodes up ahead changes nothing but the caches, whatever the bytes are.</summary>
public sealed class LookupAheadTests
{
    private readonly StoreTree _tree = Fill(40_000);

    private static StoreTree Fill(int count)
    {
        var tree = new StoreTree(7);
        PermissionSet permissions = tree.PermissionsOf(StoreTree.Root);
        for (int i = 0; i < count / 100; i++)
        {
            int parent = tree.Create(StoreTree.Root, Encoding.ASCII.GetBytes($"{i}"), default, permissions);
            for (int child = 0; child < 99; child++) tree.Create(parent, Encoding.ASCII.GetBytes($"{child}"), "v"u8, permissions);
        }
        return tree;
    }

    private static byte[] Message(XsMessageType type, string payload) => RingDriver.Message(type, 1, 0, Encoding.ASCII.GetBytes(payload.Replace('|', '\0')));

    [Fact]
    public void ItPaysInALargeTreeOnly()
    {
        _tree.Ahead.IsWorthwhile.ShouldBeTrue();
        Fill(1000).Ahead.IsWorthwhile.ShouldBeFalse();
    }

    [Fact]
    public void RequestsAreTakenUntilTheLanesAreFullOrOneIsNotWhole()
    {
        byte[] one = Message(XsMessageType.Read, "/17/5|");
        byte[] twenty = [.. Enumerable.Repeat(one, 20).SelectMany(bytes => bytes)];
        RequestsAhead.Prepare(_tree.Ahead, twenty, 0).ShouldBe(16 * one.Length);
        RequestsAhead.Prepare(_tree.Ahead, twenty, 16 * one.Length).ShouldBe(twenty.Length);
        RequestsAhead.Prepare(_tree.Ahead, twenty.AsSpan(0, one.Length + 20), 0).ShouldBe(one.Length);
        RequestsAhead.Prepare(_tree.Ahead, [], 0).ShouldBe(0);
    }

    [Theory]
    [InlineData(XsMessageType.Read, "/|")]
    [InlineData(XsMessageType.Read, "//|")]
    [InlineData(XsMessageType.Read, "/1//2|")]
    [InlineData(XsMessageType.Read, "/1/|")]
    [InlineData(XsMessageType.Read, "/none/at/all|")]
    [InlineData(XsMessageType.Read, "no nul")]
    [InlineData(XsMessageType.Read, "|")]
    [InlineData(XsMessageType.Read, "")]
    [InlineData(XsMessageType.Write, "@introduceDomain|x")]
    [InlineData(XsMessageType.Remove, "relative|")]
    [InlineData(XsMessageType.Watch, "/1|token|")]
    [InlineData((XsMessageType)9999, "/1|")]
    public void WhatIsOddIsPassedOver(XsMessageType type, string payload)
    {
        byte[] bytes = [.. Message(type, payload), .. Message(XsMessageType.Read, "/17/5|")];
        RequestsAhead.Prepare(_tree.Ahead, bytes, 0).ShouldBe(bytes.Length);
    }

    [Fact]
    public void AHeaderThatLiesAboutItsLengthEndsIt()
    {
        byte[] bytes = Message(XsMessageType.Read, "/17/5|");
        XsWire.WriteHeader(bytes, XsMessageType.Read, 1, 0, -1);
        RequestsAhead.Prepare(_tree.Ahead, bytes, 0).ShouldBe(0);
    }

    [Fact]
    public void RequestsInFlightSeeEachOthersChangesInALargeTree()
    {
        using var server = new RunningServer();
        server.Server.Invoke(() =>
        {
            PermissionSet permissions = server.Server.State.Tree.PermissionsOf(StoreTree.Root);
            for (int i = 0; i < 40_000; i++) server.Server.State.CreateMissing(Encoding.ASCII.GetBytes($"/n/{i}"), "old"u8, permissions);
        });
        using System.Net.Sockets.Socket socket = server.Connect();
        socket.Send([.. Message(XsMessageType.Read, "/n/7|"), .. Message(XsMessageType.Write, "/n/7|new"), .. Message(XsMessageType.Read, "/n/7|"),
            .. Message(XsMessageType.Remove, "/n/7|"), .. Message(XsMessageType.Read, "/n/7|"), .. Message(XsMessageType.Write, "/n/7|last"), .. Message(XsMessageType.Read, "/n/7|")]);
        string[] replies = [.. Enumerable.Range(0, 7).Select(_ => RunningServer.Receive(socket).Text)];
        replies.ShouldBe(["old", "OK\0", "new", "OK\0", "ENOENT\0", "OK\0", "last"]);
    }
}
