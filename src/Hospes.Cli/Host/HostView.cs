using System.Runtime.InteropServices;
using Hospes.Domains.Drivers.ControlGroups;
using Hospes.Hypervisor.Kvm;
using Hospes.Hypervisor.Kvm.Probe;

namespace Hospes.Cli.Host;

/// <summary>What the checks read of a host. Tests show them a folder in the place of <c>/</c>.</summary>
internal sealed class HostView
{
    /// <summary>The folder that stands for <c>/</c>.</summary>
    public string Root { get; init; } = "/";

    /// <summary>Reads an environment variable.</summary>
    public Func<string, string?> Variable { get; init; } = static _ => null;

    /// <summary>The host's processor.</summary>
    public Architecture Architecture { get; init; } = RuntimeInformation.OSArchitecture;

    /// <summary>The processors that this process may use.</summary>
    public int Processors { get; init; } = Environment.ProcessorCount;

    /// <summary>Opens a file for reading and writing and closes it: null, or why it cannot be opened.</summary>
    public Func<string, string?> OpenFails { get; init; } = static path =>
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return fault is UnauthorizedAccessException ? "permission denied" : fault.Message.TrimEnd('.');
        }
    };

    /// <summary>Says why a KVM that can be opened is of no use; null when guests run on it.</summary>
    public Func<string, KvmRefusal?> JudgeKvm { get; init; } = static path =>
    {
        if (!KvmVerdicts.OfThisUser.TryOpen(path, out KvmEngine? engine, out KvmRefusal? refusal)) return refusal;
        engine.Dispose();
        return null;
    };

    /// <summary>What the host's kernel can enforce on processes, and what it lacks.</summary>
    public Func<(IReadOnlyList<string> There, IReadOnlyList<string> Missing)> Confinement { get; init; } = Native.Confinement.Look;

    /// <summary>Which control groups domains get, and why they get none; null when they do.</summary>
    public Func<(string Words, string? Obstacle)> ControlGroups { get; init; } = static () =>
    {
        var groups = new ControlGroupHost(new ControlFiles());
        return (groups.Words, groups.Try());
    };

    /// <summary>The path of a file of the host.</summary>
    public string PathOf(string path) => Path.Combine(Root, path.TrimStart('/'));

    /// <summary>Whether a file, device or folder is there.</summary>
    public bool Exists(string path) => Path.Exists(PathOf(path));

    /// <summary>The text of a small file; null when it cannot be read.</summary>
    public string? Read(string path)
    {
        try
        {
            return File.ReadAllText(PathOf(path)).Trim();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The path of a program; null when it is not installed.</summary>
    public string? Program(string name) => HostPrograms.Find(name, Variable);

    /// <summary>A number from a file of lines <c>Name: number kB</c>; null when it is not there.</summary>
    public long? Kilobytes(string path, string name)
    {
        foreach (string line in (Read(path) ?? "").Split('\n'))
        {
            if (!line.StartsWith(name, StringComparison.Ordinal) || line.Length <= name.Length || line[name.Length] != ':') continue;
            string[] words = line[(name.Length + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words.Length > 0 && long.TryParse(words[0], out long number) ? number : null;
        }

        return null;
    }
}
