using Hospes.Store.Engine;
using Hospes.Store.Persistence;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Server;
using Hospes.Store.Transactions;
using Hospes.Store.Tree;
using Hospes.Store.Watches;
using Hospes.Store.Wire;

namespace Hospes.Store.LiveUpdate;

/// <summary>
/// A store's whole state as one run of bytes, from one server process to its successor: limits, domains, nodes, listeners, connections with what was read and
/// not carried out and what was not sent, watches, transactions. Sockets stand in it by their place in the list of descriptors that goes beside it.
///
/// A transaction arrives with the paths it touched. The successor takes the present as its snapshot, which is the same for it as its
/// own as long as nothing that it saw has changed; if something has, it is marked as bound to fail, as it was.
/// </summary>
internal static class Handover
{
    private const uint Version = 1;

    public static (byte[] State, List<int> Descriptors) Write(StoreState state, StoreLoop loop, TransactionManager transactions, int without)
    {
        var to = new ByteWriter();
        var descriptors = new List<int>();
        to.DoubleWord(Version);
        WriteLimits(to, state.Quotas.Hard, state.Quotas.SoftMemory);
        WriteDomains(to, state);
        WriteNodes(to, state.Tree);
        to.DoubleWord((uint)loop.Listeners.Count);
        foreach ((int descriptor, (ushort domain, bool isReadOnly)) in loop.Listeners)
        {
            descriptors.Add(descriptor);
            to.Word(domain);
            to.Byte(isReadOnly ? (byte)1 : (byte)0);
        }
        SocketConnection[] connections = [.. loop.Connections.Where(connection => connection.Descriptor != without)];
        to.DoubleWord((uint)connections.Length);
        foreach (SocketConnection connection in connections)
        {
            descriptors.Add(connection.Descriptor);
            WriteConnection(to, connection, transactions);
        }
        WriteWatches(to, connections);
        return (to.Written.ToArray(), descriptors);
    }

    private static void WriteLimits(ByteWriter to, uint[] limits, uint soft)
    {
        foreach (uint limit in limits) to.DoubleWord(limit);
        to.DoubleWord(soft);
    }

    private static void WriteDomains(ByteWriter to, StoreState state)
    {
        to.DoubleWord((uint)state.Domains.Count);
        foreach (DomainState domain in state.Domains.Values)
        {
            to.Word(domain.Id);
            to.Byte((byte)((domain.IsIntroduced ? 1 : 0) | (domain.IsShutDown ? 2 : 0)));
            to.DoubleWord((uint)domain.Features);
            to.DoubleWord((uint)domain.Target);
            to.DoubleWord(domain.EventChannel);
            WriteLimits(to, domain.Limits, domain.SoftMemory);
        }
    }

    private static void WriteNodes(ByteWriter to, StoreTree tree)
    {
        Span<byte> buffer = stackalloc byte[XsWire.AbsolutePathMax];
        to.DoubleWord((uint)tree.Count);
        foreach (byte[] name in (byte[][])["@introduceDomain"u8.ToArray(), "@releaseDomain"u8.ToArray()])
            WriteNode(to, name, tree, tree.Locate(name).Node);
        for (int node = StoreTree.Root; node != 0; node = StoreCheck.Next(tree, node)) WriteNode(to, tree.PathOf(node, buffer), tree, node);
    }

    private static void WriteNode(ByteWriter to, ReadOnlySpan<byte> path, StoreTree tree, int node)
    {
        to.Bytes(path);
        to.Bytes(tree.ValueOf(node));
        to.Permissions(tree.PermissionsOf(node).Entries);
    }

    private static void WriteConnection(ByteWriter to, SocketConnection connection, TransactionManager transactions)
    {
        Session session = connection.Session;
        to.Word(session.Domain.Id);
        to.Byte(session.IsReadOnly ? (byte)1 : (byte)0);
        to.DoubleWord((uint)connection.Unprocessed.Length);
        to.Raw(connection.Unprocessed);
        byte[] output = session.Output.ToArray();
        to.DoubleWord((uint)output.Length);
        to.Raw(output);
        to.DoubleWord(session.NextTransactionId);
        to.DoubleWord((uint)session.Transactions.Count);
        foreach (Transaction transaction in session.Transactions.Values)
        {
            transactions.MoveToPresent(transaction);
            to.DoubleWord(transaction.Id);
            to.Byte((byte)((transaction.HasFailed ? 1 : 0) | (transaction.IsDoomed ? 2 : 0)));
            WriteTouched(to, transaction);
        }
    }

    private static void WriteTouched(ByteWriter to, Transaction transaction)
    {
        to.DoubleWord((uint)transaction.Count);
        for (int index = 1; index <= transaction.Count; index++)
        {
            ref TouchedPath touched = ref transaction[index];
            to.Bytes(transaction.PathOf(index));
            to.Word((ushort)touched.Touch);
            to.Bytes(transaction.ValueOf(index));
            to.Permissions(touched.Permissions is { } permissions ? permissions.Entries : []);
            to.DoubleWord((uint)touched.FirstCreated);
            to.DoubleWord((uint)touched.LastCreated);
            to.DoubleWord((uint)touched.NextCreated);
        }
        for (int index = transaction.FirstModified; index != 0; index = transaction[index].NextModified) to.DoubleWord((uint)index);
        to.DoubleWord(0);
    }

    private static void WriteWatches(ByteWriter to, SocketConnection[] connections)
    {
        (int Connection, Watch Watch)[] watches = [.. connections.SelectMany((connection, index) => connection.Session.Watches.Values.Select(watch => (index, watch))).OrderBy(pair => pair.watch.Sequence)];
        to.DoubleWord((uint)watches.Length);
        foreach ((int connection, Watch watch) in watches)
        {
            to.DoubleWord((uint)connection);
            to.Bytes(PathOf(watch.Point));
            to.Bytes(watch.Token);
            to.DoubleWord((uint)watch.Depth);
            to.Word((ushort)watch.PrefixLength);
        }
    }

    private static byte[] PathOf(WatchPoint point)
    {
        if (point.Parent is null) return "/"u8.ToArray();
        if (point.Parent.Id == WatchTable.SpecialId) return point.Name;
        var names = new List<byte[]>();
        for (WatchPoint? at = point; at?.Parent is not null; at = at.Parent) names.Add(at.Name);
        names.Reverse();
        return [.. names.SelectMany(name => (byte[])[(byte)'/', .. name])];
    }

    /// <summary>Builds the state of a fresh server up from what its predecessor wrote.</summary>
    /// <exception cref="InvalidDataException">The bytes make no sense; the predecessor goes on then.</exception>
    public static void Read(ReadOnlySpan<byte> bytes, IReadOnlyList<int> descriptors, StoreState state, StoreLoop loop, TransactionManager transactions)
    {
        var from = new ByteReader(bytes);
        if (from.DoubleWord() != Version) throw new InvalidDataException("The running server hands its state over in a form that this one does not know.");
        state.Quotas.SoftMemory = ReadLimits(ref from, state.Quotas.Hard);
        for (uint left = from.DoubleWord(); left > 0 && !from.HasFailed; left--) ReadDomain(ref from, state);
        for (uint left = from.DoubleWord(); left > 0 && !from.HasFailed; left--) ReadNode(ref from, state);
        int descriptor = 0;
        for (uint left = from.DoubleWord(); left > 0 && !from.HasFailed; left--) loop.AddListener(At(descriptors, descriptor++), from.Word(), from.Byte() != 0);
        var connections = new List<SocketConnection>();
        for (uint left = from.DoubleWord(); left > 0 && !from.HasFailed; left--) connections.Add(ReadConnection(ref from, At(descriptors, descriptor++), state, loop, transactions));
        for (uint left = from.DoubleWord(); left > 0 && !from.HasFailed; left--) ReadWatch(ref from, state, connections);
        if (from.HasFailed || !from.IsAtEnd) throw new InvalidDataException("The state that was handed over is cut off.");
    }

    private static int At(IReadOnlyList<int> descriptors, int index) =>
        index < descriptors.Count ? descriptors[index] : throw new InvalidDataException("Fewer sockets came than the state speaks of.");

    private static uint ReadLimits(ref ByteReader from, uint[] limits)
    {
        for (int i = 0; i < limits.Length; i++) limits[i] = from.DoubleWord();
        return from.DoubleWord();
    }

    private static void ReadDomain(ref ByteReader from, StoreState state)
    {
        DomainState domain = state.DomainOf(from.Word());
        byte flags = from.Byte();
        domain.IsIntroduced = (flags & 1) != 0;
        domain.IsShutDown = (flags & 2) != 0;
        domain.Features = (XsFeatures)from.DoubleWord();
        domain.Target = (int)from.DoubleWord();
        domain.EventChannel = from.DoubleWord();
        domain.SoftMemory = ReadLimits(ref from, domain.Limits);
    }

    private static void ReadNode(ref ByteReader from, StoreState state)
    {
        ReadOnlySpan<byte> path = from.Bytes();
        ReadOnlySpan<byte> value = from.Bytes();
        NodePermission[] entries = from.Permissions();
        if (from.HasFailed || path.IsEmpty || entries.Length == 0) return;
        PermissionSet permissions = state.Tree.Permissions.Intern(entries);
        int node = state.Tree.Locate(path).Node;
        if (node == 0)
        {
            state.CreateMissing(path, value, permissions);
            return;
        }
        state.SetPermissions(node, path, permissions, fire: false);
        state.Write(node, path, value, fire: false);
    }

    private static SocketConnection ReadConnection(ref ByteReader from, int descriptor, StoreState state, StoreLoop loop, TransactionManager transactions)
    {
        SocketConnection connection = loop.AddConnection(descriptor, from.Word(), from.Byte() != 0);
        connection.Adopt(from.Raw((int)from.DoubleWord()));
        ReadOnlySpan<byte> output = from.Raw((int)from.DoubleWord());
        while (!output.IsEmpty)
        {
            int length = Math.Min(output.Length, SegmentPool.SegmentSize);
            output[..length].CopyTo(connection.Session.Output.Append(length));
            output = output[length..];
        }
        if (!connection.Session.Output.IsEmpty) loop.MarkDirty(connection);
        uint next = from.DoubleWord();
        for (uint left = from.DoubleWord(); left > 0 && !from.HasFailed; left--)
        {
            connection.Session.NextTransactionId = from.DoubleWord();
            Transaction transaction = transactions.Begin(connection.Session);
            byte flags = from.Byte();
            transaction.HasFailed = (flags & 1) != 0;
            transaction.IsDoomed = (flags & 2) != 0;
            ReadTouched(ref from, transaction, state);
        }
        connection.Session.NextTransactionId = next;
        return connection;
    }

    private static void ReadTouched(ref ByteReader from, Transaction transaction, StoreState state)
    {
        uint count = from.DoubleWord();
        for (uint left = count; left > 0 && !from.HasFailed; left--)
        {
            ReadOnlySpan<byte> path = from.Bytes();
            if (path.IsEmpty) throw new InvalidDataException("A transaction's path is missing.");
            int index = transaction.Add(path, state.Tree.Locate(path).Node);
            transaction[index].Touch = (Touch)from.Word();
            transaction.SetValue(index, from.Bytes());
            NodePermission[] entries = from.Permissions();
            if (entries.Length > 0) transaction.SetPermissions(index, state.Tree.Permissions.Intern(entries), state.Tree.Permissions);
            transaction[index].FirstCreated = Bounded(from.DoubleWord(), count);
            transaction[index].LastCreated = Bounded(from.DoubleWord(), count);
            transaction[index].NextCreated = Bounded(from.DoubleWord(), count);
        }
        for (uint index = from.DoubleWord(); index != 0 && !from.HasFailed; index = from.DoubleWord()) transaction.MarkModified(Bounded(index, count));
    }

    private static int Bounded(uint index, uint count) => index <= count ? (int)index : throw new InvalidDataException("A transaction's path points outside of it.");

    private static void ReadWatch(ref ByteReader from, StoreState state, List<SocketConnection> connections)
    {
        uint index = from.DoubleWord();
        ReadOnlySpan<byte> path = from.Bytes();
        ReadOnlySpan<byte> token = from.Bytes();
        int depth = (int)from.DoubleWord();
        int prefix = from.Word();
        if (from.HasFailed || index >= connections.Count || path.IsEmpty) return;
        Session session = connections[(int)index].Session;
        if (state.Watches.Add(session, path, token, depth, prefix) is null) return;
        session.Domain.Add(QuotaItem.Watches, 1);
        session.Domain.Add(QuotaItem.Memory, path.Length + token.Length);
    }
}
