using System.Text.Json;
using Hospes.Vmm.Qmp;

namespace Hospes.Vmm.Chardevs;

/// <summary>A domain's character devices, and who uses them. Thread-safe.</summary>
public sealed class ChardevSet : IChardevHost, IDisposable
{
    private readonly ChardevSurroundings _surroundings;
    private readonly Lock _gate = new();
    private readonly List<Chardev> _all = [];
    private readonly Dictionary<string, MuxChardev> _shared = [];

    /// <summary>Makes an empty set.</summary>
    /// <param name="surroundings">The process.</param>
    public ChardevSet(ChardevSurroundings surroundings) => _surroundings = surroundings;

    /// <summary>Opens a device.</summary>
    /// <param name="options">What it is; its name must be free.</param>
    /// <param name="name">For a pseudo-terminal, its path; else null.</param>
    /// <returns>Null, or why not in QEMU's words.</returns>
    public string? TryAdd(ChardevOptions options, out string? name)
    {
        name = null;
        lock (_gate)
        {
            if (_all.Exists(other => other.Id == options.Id)) return $"Chardev with id '{options.Id}' already exists";
            if (Open(options, out string? error) is not { } chardev) return error;
            if (chardev is PtyChardev pty) name = pty.Name;
            if (options.Mux)
            {
                _shared.Add(options.Id, new MuxChardev(chardev, _surroundings.Quit));
                chardev.IsUsed = true;
            }
            _all.Add(chardev);
        }
        if (name is not null) _surroundings.Tell($"char device redirected to {name} (label {options.Id})");
        return null;
    }

    /// <inheritdoc/>
    public string? TryAdd(string id, JsonElement backend, out string? pty)
    {
        pty = null;
        return ChardevBackend.TryRead(id, backend, out string? error) is { } options ? TryAdd(options, out pty) : error;
    }

    /// <inheritdoc/>
    public IReadOnlyList<ChardevInfo> List() => [.. All.Select(static chardev => new ChardevInfo(chardev.Id, chardev.FileName, chardev.IsUsed))];

    /// <inheritdoc/>
    public string? TryRemove(string id)
    {
        Chardev? chardev;
        lock (_gate)
        {
            chardev = _all.Find(other => other.Id == id);
            if (chardev is null) return $"Chardev '{id}' not found";
            if (chardev.IsUsed) return $"Chardev '{id}' is busy";
            _all.Remove(chardev);
        }
        chardev.Dispose();
        return null;
    }

    /// <summary>The devices, in the order in which they were opened.</summary>
    public IReadOnlyList<Chardev> All
    {
        get
        {
            lock (_gate) return [.. _all];
        }
    }

    /// <summary>Gives a device to a user; one that can be shared to one user after the other.</summary>
    /// <param name="id">The name of a device that is there.</param>
    public Chardev Use(string id)
    {
        lock (_gate)
        {
            Chardev chardev = _all.Find(other => other.Id == id) ?? throw new ArgumentException($"there is no character device '{id}'", nameof(id));
            chardev.IsUsed = true;
            return _shared.TryGetValue(id, out MuxChardev? mux) ? mux.AddEnd() : chardev;
        }
    }

    /// <summary>Waits for the peers that have to come before the domain goes on.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task PrepareAsync(CancellationToken cancellation)
    {
        foreach (Chardev chardev in All) await chardev.PrepareAsync(_surroundings.Tell, cancellation).ConfigureAwait(false);
    }

    /// <summary>Starts the devices that are shared, once everyone has his side.</summary>
    public void Start()
    {
        lock (_gate)
        {
            foreach (MuxChardev mux in _shared.Values) mux.Start();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (MuxChardev mux in _shared.Values) mux.Dispose();
            foreach (Chardev chardev in _all) chardev.Dispose();
        }
    }

    private Chardev? Open(ChardevOptions options, out string? error)
    {
        error = null;
        return options switch
        {
            SocketChardevOptions socket => SocketChardev.TryOpen(socket, out error),
            StdioChardevOptions stdio => OpenStdio(stdio, out error),
            PtyChardevOptions => PtyChardev.TryOpen(options.Id, out error),
            FileChardevOptions file => FileChardev.TryOpen(file, out error),
            RingbufChardevOptions ring => new RingbufChardev(ring.Id, ring.Size),
            NullChardevOptions => new NullChardev(options.Id),
            _ => throw new ArgumentException("a character device of no known kind", nameof(options)),
        };
    }

    private StdioChardev? OpenStdio(StdioChardevOptions options, out string? error)
    {
        error = _all.Exists(static other => other is StdioChardev) ? "cannot use stdio by multiple character devices" : null;
        return error is null ? new StdioChardev(options.Id, _surroundings.Input, _surroundings.Output, _surroundings.EnterRaw(options.Signal)) : null;
    }
}
