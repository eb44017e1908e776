using System.Security.Cryptography;

namespace Hospes.Domains.Persistence;

/// <summary>
/// Makes changes of definitions durable with one write to disk each, instead of two that wait for the file system's own journal: what is to be done is written down, then done to
/// the files without waiting. The files follow in the background. A host that lost its power does again what was written down. Thread-safe.
/// </summary>
/// <remarks>
/// Two files take turns: when one is full, the other is written, while the definitions that the first one names are brought to disk; then it is empty again. What was written
/// down since the host was booted is not done again: the files have it, whatever became of the daemon, and may have been edited since.
/// </remarks>
internal sealed class DefinitionJournal : IDisposable
{
    /// <summary>The size of each file: some two thousand definitions.</summary>
    public const int Size = 2 << 20;

    private readonly Lock _gate = new();
    private readonly JournalFile[] _files;
    private readonly HashSet<string>[] _changed = [[], []];
    private readonly Action<IReadOnlyCollection<string>> _settle;
    private readonly Guid _boot;
    private Task _settling = Task.CompletedTask;
    private ulong _last;
    private int _current;

    /// <summary>Opens the journal, and does what was written down and may be lost.</summary>
    /// <param name="folder">Where its files are.</param>
    /// <param name="size">The size of each.</param>
    /// <param name="boot">What the host's kernel calls the time since it was booted.</param>
    /// <param name="redo">Does a change again; it may have been done.</param>
    /// <param name="settle">Brings the definitions of these names to disk.</param>
    public DefinitionJournal(string folder, int size, Guid boot, Action<JournalRecord> redo, Action<IReadOnlyCollection<string>> settle)
    {
        _boot = boot;
        _settle = settle;
        _files = [new JournalFile(Path.Combine(folder, ".journal.0"), size), new JournalFile(Path.Combine(folder, ".journal.1"), size)];
        List<JournalRecord> left = [.. _files.SelectMany(static file => file.Read()).OrderBy(static record => record.Sequence)];
        foreach (JournalRecord record in left)
        {
            if (record.Boot != boot) redo(record);
        }
        settle([.. left.SelectMany(static record => Names(record)).Distinct()]);
        foreach (JournalFile file in _files) file.Clear();
        // What was cleared still stands behind the first record: numbers that begin anywhere keep it from being taken for the next ones.
        _last = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) >> 1;
    }

    /// <summary>What the kernel calls the time since the host was booted (random(4), <c>boot_id</c>).</summary>
    public static Guid ThisBoot() => Guid.Parse(File.ReadAllText("/proc/sys/kernel/random/boot_id"));

    /// <summary>Writes a change down, then does it.</summary>
    /// <exception cref="IOException">The host refuses; what was written down is taken back.</exception>
    public void Do(JournalAction action, string name, string content, Action change)
    {
        lock (_gate)
        {
            var record = new JournalRecord(_last + 1, _boot, action, name, content);
            if (!_files[_current].TryAppend(record))
            {
                TakeTurns();
                // What is larger than a whole journal is brought to disk itself.
                if (!_files[_current].TryAppend(record))
                {
                    change();
                    _settle([.. Names(record)]);
                    return;
                }
            }
            try
            {
                change();
            }
            catch
            {
                _files[_current].Retract();
                throw;
            }
            _last = record.Sequence;
            _changed[_current].UnionWith(Names(record));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            try
            {
                _settling.GetAwaiter().GetResult();
                Empty(_current);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // It stays written down, and the next one does it again.
            }
            foreach (JournalFile file in _files) file.Dispose();
        }
    }

    private static IEnumerable<string> Names(JournalRecord record) => record.Action == JournalAction.Rename ? [record.Name, record.Content] : [record.Name];

    private void TakeTurns()
    {
        // The other one has to be empty; it has been given the time in which this one was filled. A disk that refused then may not refuse now.
        int full = _current, other = 1 - full;
        if (_settling.ContinueWith(static settling => settling.IsFaulted, TaskScheduler.Default).GetAwaiter().GetResult()) Empty(other);
        _current = other;
        _settling = Task.Run(() => Empty(full));
    }

    /// <summary>Brings to disk what a file names, and forgets it.</summary>
    private void Empty(int file)
    {
        _settle(_changed[file]);
        _changed[file].Clear();
        _files[file].Clear();
    }
}
