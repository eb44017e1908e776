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
        if (left.Count > 0) _last = left[^1].Sequence;
        foreach (JournalFile file in _files) file.Clear();
    }

    /// <summary>What the kernel calls the time since the host was booted (random(4), <c>boot_id</c>).</summary>
    public static Guid ThisBoot() => Guid.Parse(File.ReadAllText("/proc/sys/kernel/random/boot_id"));

    /// <summary>Writes a change down, then does it.</summary>
    /// <exception cref="IOException">The host refuses; nothing was done.</exception>
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
            _last = record.Sequence;
            _changed[_current].UnionWith(Names(record));
            change();
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
                _settle(_changed[_current]);
                _files[_current].Clear();
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
        // The other one has to be empty; it has been given the time in which this one was filled.
        _settling.GetAwaiter().GetResult();
        int full = _current;
        _current = 1 - _current;
        _settling = Task.Run(() =>
        {
            _settle(_changed[full]);
            _changed[full].Clear();
            _files[full].Clear();
        });
    }
}
