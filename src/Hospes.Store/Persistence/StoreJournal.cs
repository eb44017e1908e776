using System.Buffers.Binary;
using System.Numerics;
using Hospes.Store.Engine;
using Hospes.Store.Server;
using Hospes.Store.Tree;

namespace Hospes.Store.Persistence;

/// <summary>
/// Keeps the tree in a folder. One file, "store.log": a mark, then records, each the length of its group of changes, a CRC-32C of length and
/// group, and the group. A group is carried out whole or not at all. What a round of requests changed is written before the replies of that round
/// leave; whether it is forced to disk then is the policy's. A file that ends in the middle of a record is cut there.
///
/// When the file has grown to several times what the tree needs, it is written anew beside the old one: a snapshot of the tree is taken and
/// written a slice in each round, while changes go on into the old file and are remembered; these follow the snapshot, the new file is forced to disk and
/// takes the old one's name. A crash at any moment leaves one whole file under that name.
/// </summary>
internal sealed class StoreJournal : IChangeLog, IRoundTask, IDisposable
{
    private const int RecordHead = 8;
    private const int RecordMax = 1 << 30;
    private const int NodesPerSlice = 2000;
    private const long CompactionMin = 4 * 1024 * 1024;

    private readonly string _path;
    private readonly StoreState _state;
    private readonly SyncPolicy _policy;
    private readonly ByteWriter _group = new();
    private readonly ByteWriter _pending = new();
    private readonly FileStream _lock;
    private FileStream _file;
    private int _depth;
    private long _sizeAfterCompaction;
    private long _lastSync;
    private bool _isUnsynced;
    private Compaction? _compaction;

    private StoreJournal(string directory, StoreState state, SyncPolicy policy)
    {
        Directory.CreateDirectory(directory);
        _path = Path.Combine(directory, "store.log");
        _state = state;
        _policy = policy;
        _lock = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        _file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
    }

    private static ReadOnlySpan<byte> Mark => "HOSPES-STORE-1\n\0"u8;

    /// <summary>Opens the folder and carries out what its log says; from then on the state's changes are written there.</summary>
    /// <exception cref="InvalidDataException">The file is not a store's log.</exception>
    public static StoreJournal Open(string directory, StoreState state, SyncPolicy policy)
    {
        var journal = new StoreJournal(directory, state, policy);
        try
        {
            journal.Recover();
        }
        catch
        {
            journal.Dispose();
            throw;
        }
        state.Changes = journal;
        return journal;
    }

    /// <summary>Opens the folder for a state that is already what the log says (a successor's).</summary>
    public static StoreJournal Continue(string directory, StoreState state, SyncPolicy policy)
    {
        var journal = new StoreJournal(directory, state, policy);
        journal._file.Seek(0, SeekOrigin.End);
        journal._sizeAfterCompaction = journal._file.Length;
        if (journal._file.Length == 0) journal._file.Write(Mark);
        state.Changes = journal;
        return journal;
    }

    /// <summary>Bytes in the file.</summary>
    public long Length => _file.Length;

    public bool IsCompacting => _compaction is not null;

    public bool HoldsReplies => _pending.Length > 0;

    public int Timeout => _compaction is not null ? 0 : _isUnsynced && _policy == SyncPolicy.EverySecond ? (int)Math.Clamp(_lastSync + 1000 - _state.Now, 0, 1000) : -1;

    private void Recover()
    {
        File.Delete(_path + ".new");
        var head = new byte[Mark.Length];
        int read = _file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        if (read < head.Length)
        {
            if (!Mark.StartsWith(head.AsSpan(0, read))) throw new InvalidDataException($"{_path} is not a store's log.");
            _file.SetLength(0);
            _file.Write(Mark);
            WriteWholeTree();
            return;
        }
        if (!Mark.SequenceEqual(head)) throw new InvalidDataException($"{_path} is not a store's log.");
        long good = Mark.Length;
        var buffered = new BufferedStream(_file, 1 << 20);
        var recordHead = new byte[RecordHead];
        byte[] group = [];
        while (buffered.ReadAtLeast(recordHead, RecordHead, throwOnEndOfStream: false) == RecordHead)
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(recordHead);
            if (length > RecordMax || length > _file.Length) break;
            if (group.Length < length) group = new byte[Math.Max(length, 4096)];
            if (buffered.ReadAtLeast(group.AsSpan(0, (int)length), (int)length, throwOnEndOfStream: false) < (int)length) break;
            if (Checksum(length, group.AsSpan(0, (int)length)) != BinaryPrimitives.ReadUInt32LittleEndian(recordHead.AsSpan(4))) break;
            if (!ChangeCodec.Apply(_state, group.AsSpan(0, (int)length))) throw new InvalidDataException($"{_path} holds a record that makes no sense at byte {good}.");
            good += RecordHead + length;
        }
        if (good < _file.Length) _state.Log?.Write($"{_path}: cut from {_file.Length} to {good} bytes, where its last whole record ends");
        _file.SetLength(good);
        _file.Seek(good, SeekOrigin.Begin);
        _sizeAfterCompaction = good;
    }

    private void WriteWholeTree()
    {
        for (int node = StoreTree.Root; node != 0; node = Requests.StoreCheck.Next(_state.Tree, node)) AppendNode(_group, node, _state.Tree.Generation);
        AppendSpecial(_group);
        EndRecord(_pending);
        Flush(sync: true);
        _sizeAfterCompaction = _file.Length;
    }

    public void BeginGroup() => _depth++;

    public void EndGroup()
    {
        if (--_depth == 0) EndRecord(_pending);
    }

    public void Written(ReadOnlySpan<byte> path, ReadOnlySpan<byte> value)
    {
        ChangeCodec.AppendWritten(_group, path, value);
        EndIfAlone();
    }

    public void Created(ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, PermissionSet permissions)
    {
        ChangeCodec.AppendCreated(_group, path, value, permissions.Entries);
        EndIfAlone();
    }

    public void Removed(ReadOnlySpan<byte> path)
    {
        ChangeCodec.AppendRemoved(_group, path);
        EndIfAlone();
    }

    public void PermissionsSet(ReadOnlySpan<byte> path, PermissionSet permissions)
    {
        ChangeCodec.AppendPermissions(_group, path, permissions.Entries);
        EndIfAlone();
    }

    public void DomainForgotten(ushort domain)
    {
        ChangeCodec.AppendForgotten(_group, domain);
        EndIfAlone();
    }

    private void EndIfAlone()
    {
        if (_depth == 0) EndRecord(_pending);
    }

    private void EndRecord(ByteWriter to)
    {
        if (_group.Length == 0) return;
        uint length = (uint)_group.Length;
        to.DoubleWord(length);
        to.DoubleWord(Checksum(length, _group.Written));
        to.Raw(_group.Written);
        _group.Clear();
    }

    private static uint Checksum(uint length, ReadOnlySpan<byte> group)
    {
        uint sum = BitOperations.Crc32C(uint.MaxValue, length);
        while (group.Length >= 8)
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(group));
            group = group[8..];
        }
        foreach (byte b in group) sum = BitOperations.Crc32C(sum, b);
        return ~sum;
    }

    public void EndRound()
    {
        if (_pending.Length > 0) Flush(sync: _policy == SyncPolicy.Always);
        if (_isUnsynced && _policy == SyncPolicy.EverySecond && _state.Now - _lastSync >= 1000) Sync();
        if (_compaction is not null) ContinueCompaction();
        else if (_file.Length > Math.Max(CompactionMin, 3 * _sizeAfterCompaction)) BeginCompaction();
    }

    private void Flush(bool sync)
    {
        _compaction?.Tail.Raw(_pending.Written);
        _file.Write(_pending.Written);
        _pending.Clear();
        _isUnsynced = true;
        if (sync) Sync();
    }

    private void Sync()
    {
        _file.Flush(flushToDisk: true);
        _isUnsynced = false;
        _lastSync = _state.Now;
    }

    /// <summary>Begins to write the file anew.</summary>
    public void BeginCompaction()
    {
        _compaction = new Compaction(new FileStream(_path + ".new", FileMode.Create, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0));
        _compaction.File.Write(Mark);
        _state.Tree.Snapshots.Open(_compaction.Moment, _state.Tree.Generation);
        AppendSpecial(_group);
        EndRecord(_compaction.Buffer);
    }

    private void ContinueCompaction()
    {
        Compaction compaction = _compaction!;
        ulong moment = compaction.Moment.Base;
        for (int i = 0; i < NodesPerSlice && compaction.Node != 0; i++)
        {
            AppendNode(_group, compaction.Node, moment);
            compaction.Node = NextAt(compaction.Node, moment);
        }
        EndRecord(compaction.Buffer);
        compaction.File.Write(compaction.Buffer.Written);
        compaction.Buffer.Clear();
        if (compaction.Node != 0) return;
        compaction.File.Write(compaction.Tail.Written);
        compaction.File.Flush(flushToDisk: true);
        File.Move(_path + ".new", _path, overwrite: true);
        _file.Dispose();
        _file = compaction.File;
        _sizeAfterCompaction = _file.Length;
        _isUnsynced = false;
        _compaction = null;
        _state.Tree.Snapshots.Close(compaction.Moment);
        _state.Tree.Reclaim();
    }

    private int NextAt(int node, ulong moment)
    {
        StoreTree tree = _state.Tree;
        int next = VisibleFrom(tree[node].FirstChild, moment);
        while (next == 0 && node != StoreTree.Root)
        {
            next = VisibleFrom(tree[node].NextSibling, moment);
            if (next == 0) node = tree[node].Parent;
        }
        return next;
    }

    private int VisibleFrom(int node, ulong moment)
    {
        while (node != 0 && !_state.Tree.IsVisibleAt(node, moment)) node = _state.Tree[node].NextSibling;
        return node;
    }

    private void AppendNode(ByteWriter to, int node, ulong moment)
    {
        Span<byte> buffer = stackalloc byte[Wire.XsWire.AbsolutePathMax];
        NodeView view = _state.Tree.ViewAt(node, moment);
        ChangeCodec.AppendCreated(to, _state.Tree.PathOf(node, buffer), view.Value, view.Permissions.Entries);
    }

    private void AppendSpecial(ByteWriter to)
    {
        foreach (byte[] name in (byte[][])["@introduceDomain"u8.ToArray(), "@releaseDomain"u8.ToArray()])
            if (_state.Tree.Locate(name).Node is var node and not 0) ChangeCodec.AppendCreated(to, name, _state.Tree.ValueOf(node), _state.Tree.PermissionsOf(node).Entries);
    }

    public void Dispose()
    {
        if (_pending.Length > 0) Flush(sync: true);
        else if (_isUnsynced) Sync();
        _compaction?.File.Dispose();
        _file.Dispose();
        _lock.Dispose();
    }

    private sealed class Compaction(FileStream file)
    {
        public FileStream File { get; } = file;

        public Snapshot Moment { get; } = new();

        public ByteWriter Buffer { get; } = new();

        /// <summary>Records that were written since the snapshot was taken.</summary>
        public ByteWriter Tail { get; } = new();

        public int Node { get; set; } = StoreTree.Root;
    }
}
