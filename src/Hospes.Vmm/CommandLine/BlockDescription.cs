using Hospes.Virtio;

namespace Hospes.Vmm.CommandLine;

/// <summary>A block node as <c>-blockdev</c> and <c>-drive</c> describe it: an image's file, or a format on a file.</summary>
/// <param name="Name">The node's name; null for one that is inside another.</param>
/// <param name="Driver">Its driver: <c>file</c>, <c>raw</c> or <c>qcow2</c>; null for a format that is to be found out, and for a drive without a medium.</param>
internal sealed record BlockDescription(string? Name, string? Driver)
{
    /// <summary>With <c>file</c>, the path.</summary>
    public string? FileName { get; init; }

    /// <summary>With a format, the node below.</summary>
    public BlockDescription? File { get; init; }

    /// <summary>Whether it can't be written; null when it was not said.</summary>
    public bool? IsReadOnly { get; init; }

    /// <summary>With <c>-drive</c>, the drive's name.</summary>
    public string? Drive { get; init; }

    /// <summary>With <c>-drive</c>, how fast requests may begin.</summary>
    public RequestLimits Limits { get; init; } = new();
}
