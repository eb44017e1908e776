using System.Diagnostics.CodeAnalysis;
using Hospes.Hypervisor;
using Hospes.Hypervisor.Kvm;
using Hospes.Hypervisor.Kvm.Probe;
using Hospes.Hypervisor.Soft;

namespace Hospes.Vmm;

/// <summary>The engines that a domain can run on.</summary>
public static class EngineChoice
{
    /// <summary>Lets Hospes choose the best engine of this host.</summary>
    public const string Auto = "auto";

    /// <summary>The name of the engine that uses KVM.</summary>
    internal const string Kvm = "kvm";

    private const string Soft = "soft", Profile = "profile";

    /// <summary>The names that <see cref="TryChoose(string, out IEngine, out VmmFailure)"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [Auto, Soft, Kvm];

    /// <summary>The engine's name in a choice such as <c>soft,translate=off</c>.</summary>
    public static string Name(string choice) => choice.Split(',')[0];

    /// <summary>The engine's own settings in a choice: what stands behind the first comma, as NAME=VALUE each; a name alone means <c>on</c>. The value of <c>profile=</c> reaches to the end.</summary>
    public static IReadOnlyDictionary<string, string> Settings(string choice)
    {
        var settings = new Dictionary<string, string>();
        string[] items = choice.Split(',');
        for (int i = 1; i < items.Length; i++)
        {
            string[] parts = items[i].Split('=', 2);
            settings[parts[0]] = parts.Length == 2 ? parts[1] : "on";
            if (parts[0] != Profile || parts.Length == 1) continue;
            // A file's name may have commas.
            settings[Profile] = string.Join(',', items.Skip(i))[(Profile.Length + 1)..];
            break;
        }
        return settings;
    }

    /// <summary>A choice, with the profile of its translator written to a file when the guest has ended. Only the software engine has one, which <see cref="Auto"/> becomes; null for another.</summary>
    /// <param name="choice">One of <see cref="Names"/>, settings behind it.</param>
    /// <param name="file">The file.</param>
    public static string? WithProfile(string choice, string file)
    {
        if (Name(choice) is not (Auto or Soft)) return null;
        int settings = choice.IndexOf(',', StringComparison.Ordinal);
        return $"{Soft}{(settings < 0 ? "" : choice[settings..])},{Profile}={file}";
    }

    /// <summary>Makes the engine that is asked for.</summary>
    /// <param name="name">One of <see cref="Names"/>, settings behind it.</param>
    /// <param name="engine">The engine, or null.</param>
    /// <param name="failure"><see cref="VmmError.UnknownEngine"/> or <see cref="VmmError.EngineUnavailable"/>, or null.</param>
    public static bool TryChoose(string name, [NotNullWhen(true)] out IEngine? engine, [NotNullWhen(false)] out VmmFailure? failure) =>
        TryChoose(name, KvmEngine.DevicePath, static () => KvmVerdicts.OfThisUser, out engine, out _, out failure);

    /// <summary>Makes the engine that is asked for.</summary>
    /// <param name="name">One of <see cref="Names"/>, settings behind it.</param>
    /// <param name="device">Where KVM is.</param>
    /// <param name="verdicts">Finds what remembers whether KVM is real. Not called for who asks for KVM by name and gets it, whatever it is.</param>
    /// <param name="engine">The engine, or null.</param>
    /// <param name="notice">With <see cref="Auto"/> why a KVM that is there is not used: a sentence without a full stop; else null.</param>
    /// <param name="failure">Why there is no such engine, or null.</param>
    public static bool TryChoose(
        string name, string device, Func<KvmVerdicts> verdicts, [NotNullWhen(true)] out IEngine? engine, out string? notice, [NotNullWhen(false)] out VmmFailure? failure)
    {
        notice = null;
        failure = null;
        engine = null;
        switch (Name(name))
        {
            case Soft:
                engine = new SoftEngine();
                return true;
            case Kvm:
                if (KvmEngine.TryOpen(out KvmEngine? asked, out KvmRefusal? why, device)) engine = asked;
                else failure = new VmmFailure(VmmError.EngineUnavailable, $"the engine 'kvm' cannot be had: {why.Cause}", why.Remedy);
                return failure is null;
            case Auto:
                if (verdicts().TryOpen(device, out KvmEngine? real, out KvmRefusal? refusal))
                {
                    engine = real;
                    return true;
                }
                if (refusal.Kind != KvmRefusalKind.Absent) notice = $"KVM is not used: {refusal.Cause}; the guest runs on the software processor";
                engine = new SoftEngine();
                return true;
            default:
                failure = new VmmFailure(VmmError.UnknownEngine, $"there is no engine '{name}'", $"choose one of {string.Join(", ", Names)}");
                return false;
        }
    }
}
