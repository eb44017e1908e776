using System.Diagnostics.CodeAnalysis;

namespace Hospes.Hypervisor.Kvm.Probe;

/// <summary>Remembers the probe's verdict until the host boots again, in a file of the user's own.</summary>
/// <param name="folder">The user's folder for it; made when it is not there.</param>
/// <param name="bootId">What names the host's current boot (<c>/proc/sys/kernel/random/boot_id</c>).</param>
public sealed class KvmVerdicts(string folder, string bootId)
{
    private const string Heading = "hospes kvm verdict 1", Real = "real";

    private const int Longest = 4096;

    /// <summary>Those of the user that this process runs as: in the runtime folder where the host has one, else in the cache folder.</summary>
    public static KvmVerdicts OfThisUser
    {
        get
        {
            string? given = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime ? runtime : Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            string parent = string.IsNullOrEmpty(given) ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache") : given;
            const string BootId = "/proc/sys/kernel/random/boot_id";
            string boot = System.IO.File.Exists(BootId) ? System.IO.File.ReadAllText(BootId).Trim() : "";
            return new KvmVerdicts(Path.Combine(parent, "hospes"), boot);
        }
    }

    /// <summary>The file.</summary>
    public string Location => File;

    private string File => Path.Combine(folder, "kvm-verdict");

    /// <summary>Opens KVM if it is real: by the verdict of this boot if there is one, else by the probe, whose verdict is kept then.</summary>
    /// <param name="path">The device.</param>
    /// <param name="engine">The engine, or null.</param>
    /// <param name="refusal">Why not, or null.</param>
    public bool TryOpen(string path, [NotNullWhen(true)] out KvmEngine? engine, [NotNullWhen(false)] out KvmRefusal? refusal)
    {
        if (!KvmEngine.TryOpen(out engine, out refusal, path)) return false;
        if (TryFind(out refusal))
        {
            if (refusal is null) return true;
        }
        else
        {
            refusal = KvmProbe.Judge(engine);
            Keep(refusal);
            if (refusal is null) return true;
        }
        engine.Dispose();
        engine = null;
        return false;
    }

    /// <summary>Finds the verdict of this boot.</summary>
    /// <param name="refusal">Null when KVM is real.</param>
    /// <returns>Whether there is one.</returns>
    internal bool TryFind(out KvmRefusal? refusal)
    {
        refusal = null;
        // A host that does not name its boot is probed each time.
        if (bootId.Length == 0) return false;
        try
        {
            if (new FileInfo(File) is not { Exists: true, Length: <= Longest }) return false;
            string[] lines = System.IO.File.ReadAllLines(File);
            if (lines.Length < 3 || lines[0] != Heading || lines[1] != bootId) return false;
            if (lines[2] == Real) return true;
            if (lines.Length < 4) return false;
            refusal = new KvmRefusal(KvmRefusalKind.Unreal, lines[2], lines[3]);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Keeps a verdict. A folder that cannot be written costs another probe, nothing else.</summary>
    internal void Keep(KvmRefusal? refusal)
    {
        try
        {
            Directory.CreateDirectory(folder);
            string text = refusal is null ? $"{Heading}\n{bootId}\n{Real}\n" : $"{Heading}\n{bootId}\n{refusal.Cause}\n{refusal.Remedy}\n";
            // Whole or not at all: another process may read at any time.
            string part = $"{File}.{Environment.ProcessId}";
            System.IO.File.WriteAllText(part, text);
            System.IO.File.Move(part, File, overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
        }
    }
}
