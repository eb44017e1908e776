using System.Globalization;
using System.Text;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Client;

/// <summary>
/// Reading and changing nodes, directly or in a transaction. Paths are absolute, or relative to the caller's domain. Every method throws
/// <see cref="XenStoreException"/> when the server refuses, and <see cref="IOException"/> when the connection is lost.
/// </summary>
public abstract class XenStoreView
{
    private protected XenStoreView()
    {
    }

    private protected abstract Task<byte[]> CallAsync(XsMessageType type, ReadOnlyMemory<byte> payload, CancellationToken cancellation);

    /// <summary>A node's value.</summary>
    /// <param name="path">The node.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task<byte[]> ReadAsync(string path, CancellationToken cancellation = default) => CallAsync(XsMessageType.Read, Strings(path), cancellation);

    /// <summary>A node's value as text.</summary>
    /// <param name="path">The node.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<string> ReadTextAsync(string path, CancellationToken cancellation = default) =>
        Encoding.UTF8.GetString(await ReadAsync(path, cancellation).ConfigureAwait(false));

    /// <summary>A node's value, or null when there is no such node.</summary>
    /// <param name="path">The node.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<byte[]?> TryReadAsync(string path, CancellationToken cancellation = default)
    {
        try
        {
            return await ReadAsync(path, cancellation).ConfigureAwait(false);
        }
        catch (XenStoreException refused) when (refused.Error == XsError.NotFound)
        {
            return null;
        }
    }

    /// <summary>True when the node exists and may be read.</summary>
    /// <param name="path">The node.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<bool> ExistsAsync(string path, CancellationToken cancellation = default) => await TryReadAsync(path, cancellation).ConfigureAwait(false) is not null;

    /// <summary>Writes a value, creating the node and its parents where missing.</summary>
    /// <param name="path">The node.</param>
    /// <param name="value">The value; with path and nul at most 4096 bytes.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task WriteAsync(string path, ReadOnlyMemory<byte> value, CancellationToken cancellation = default) =>
        CallAsync(XsMessageType.Write, (byte[])[.. Strings(path), .. value.Span], cancellation);

    /// <summary>Writes a value as text.</summary>
    /// <param name="path">The node.</param>
    /// <param name="value">The value.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task WriteAsync(string path, string value, CancellationToken cancellation = default) => WriteAsync(path, Encoding.UTF8.GetBytes(value), cancellation);

    /// <summary>Creates a node, and its parents, where missing; an existing one is left alone.</summary>
    /// <param name="path">The node.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task MakeDirectoryAsync(string path, CancellationToken cancellation = default) => CallAsync(XsMessageType.MakeDirectory, Strings(path), cancellation);

    /// <summary>Removes a node with all below it.</summary>
    /// <param name="path">The node.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task RemoveAsync(string path, CancellationToken cancellation = default) => CallAsync(XsMessageType.Remove, Strings(path), cancellation);

    /// <summary>A node's permissions; the first entry is the owner's.</summary>
    /// <param name="path">The node.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<NodePermission>> GetPermissionsAsync(string path, CancellationToken cancellation = default)
    {
        var entries = new List<NodePermission>();
        foreach (string text in Split(await CallAsync(XsMessageType.GetPermissions, Strings(path), cancellation).ConfigureAwait(false)))
            entries.Add(NodePermission.TryParse(Encoding.ASCII.GetBytes(text), out NodePermission entry) ? entry : throw new IOException($"The server sent a permission that is none: {text}"));
        return entries;
    }

    /// <summary>Replaces a node's permissions.</summary>
    /// <param name="path">The node.</param>
    /// <param name="entries">The entries; the first is the owner's.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public Task SetPermissionsAsync(string path, IEnumerable<NodePermission> entries, CancellationToken cancellation = default) =>
        CallAsync(XsMessageType.SetPermissions, Strings([path, .. entries.Select(entry => entry.ToString())]), cancellation);

    /// <summary>The names of a node's children in the order of their creation. A list that fits in no message is read in parts, again from the start when it changes meanwhile.</summary>
    /// <param name="path">The node.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<IReadOnlyList<string>> ListAsync(string path, CancellationToken cancellation = default)
    {
        try
        {
            return Split(await CallAsync(XsMessageType.Directory, Strings(path), cancellation).ConfigureAwait(false));
        }
        catch (XenStoreException refused) when (refused.Error == XsError.TooBig)
        {
            return await ListInPartsAsync(path, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<string>> ListInPartsAsync(string path, CancellationToken cancellation)
    {
        var list = new List<byte>();
        string? generation = null;
        while (true)
        {
            byte[] part = await CallAsync(XsMessageType.DirectoryPart, Strings(path, list.Count.ToString(CultureInfo.InvariantCulture)), cancellation).ConfigureAwait(false);
            int nul = Array.IndexOf(part, (byte)0);
            if (nul < 0 || nul == part.Length - 1) throw new IOException("The server sent a part of a list without its generation.");
            string now = Encoding.ASCII.GetString(part, 0, nul);
            if (generation is not null && now != generation)
            {
                list.Clear();
                generation = null;
                continue;
            }
            generation = now;
            ReadOnlySpan<byte> names = part.AsSpan(nul + 1);
            bool last = names.Length == 1 || names[^2] == 0;
            list.AddRange(last ? names[..^1] : names);
            if (last) return Split([.. list]);
        }
    }

    private protected static string[] Split(ReadOnlySpan<byte> strings)
    {
        if (strings.IsEmpty) return [];
        if (strings[^1] == 0) strings = strings[..^1];
        return Encoding.UTF8.GetString(strings).Split('\0');
    }

    private protected static byte[] Strings(params IEnumerable<string> strings)
    {
        var bytes = new List<byte>();
        foreach (string text in strings)
        {
            bytes.AddRange(Encoding.UTF8.GetBytes(text));
            bytes.Add(0);
        }
        return [.. bytes];
    }
}

/// <summary>A transaction of a client; made by <see cref="XenStoreClient.RunAsync(Func{XenStoreTransaction, Task}, CancellationToken)"/>.</summary>
public sealed class XenStoreTransaction : XenStoreView
{
    private readonly XenStoreClient _client;

    internal XenStoreTransaction(XenStoreClient client, uint id)
    {
        _client = client;
        Id = id;
    }

    /// <summary>The transaction's id on its connection.</summary>
    public uint Id { get; }

    private protected override Task<byte[]> CallAsync(XsMessageType type, ReadOnlyMemory<byte> payload, CancellationToken cancellation) =>
        _client.CallAsync(type, payload, Id, cancellation);
}
