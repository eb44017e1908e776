using System.Text;

namespace Hospes.Machine.Tests;

/// <summary>Keeps what the guest wrote, batch by batch.</summary>
internal sealed class CollectingSink : IConsoleSink
{
    private readonly List<byte[]> _batches = [];

    public IReadOnlyList<byte[]> Batches => _batches;

    public string Text => Encoding.Latin1.GetString([.. _batches.SelectMany(batch => batch)]);

    public void Write(ReadOnlySpan<byte> bytes) => _batches.Add(bytes.ToArray());
}
