using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;

namespace Hospes.Conformance;

/// <summary>The software engine and another agree: on the state that every program of the suite ends in, and on each other's saved states.</summary>
internal static class EngineAgreement
{
    /// <summary>Programs whose end depends on time or chance: where random code and an endless loop are when they are stopped.</summary>
    private static readonly string[] NotRepeatable =
        [nameof(EngineConformance.ThousandsOfGuestsOfRandomCodeEndOnlyThemselves), nameof(EngineConformance.AKickEndsAnEndlessLoopAndAHalt)];

    /// <summary>Runs the suite on both engines and compares the states, program by program.</summary>
    /// <typeparam name="T">The other engine's suite.</typeparam>
    /// <param name="except">Programs to leave out.</param>
    /// <returns>A line for each difference, and how many states were compared.</returns>
    public static async Task<(List<string> Differences, int Compared)> CompareEndsAsync<T>(params string[] except)
        where T : EngineConformance, new()
    {
        string[] leftOut = [.. NotRepeatable, .. except];
        Dictionary<string, List<VcpuState>> soft = await SuiteRunner.CollectEndsAsync<SoftEngineConformance>(leftOut);
        Dictionary<string, List<VcpuState>> other = await SuiteRunner.CollectEndsAsync<T>(leftOut);
        var differences = new List<string>();
        int compared = 0;
        foreach ((string name, List<VcpuState> ends) in soft)
        {
            List<VcpuState> others = other[name];
            if (others.Count != ends.Count) differences.Add($"{name}: {ends.Count} and {others.Count} machines");
            for (int i = 0; i < Math.Min(ends.Count, others.Count); i++, compared++)
                differences.AddRange(StateDifferences.Between(ends[i], others[i]).Select(found => $"{name}: {found}"));
        }
        return (differences, compared);
    }

    /// <summary>Takes a program to its middle on one engine and to its end on the other.</summary>
    /// <returns>What the program said at the end: <see cref="Moved"/> when every kind of register came over.</returns>
    public static ulong Move(IEngine from, IEngine to)
    {
        using var first = new Machine(from);
        // mov eax, 0x123 / movd xmm3, eax / fld1 / mov ebx, 0x100 / out 0x80, al
        // movd ecx, xmm3 / fistp dword [0x6000] / add ebx, ecx / add ebx, [0x6000] / add ebx, [0x6004] / mov eax, ebx / out 0x80, eax / hlt
        first.Load([
            0xB8, 0x23, 0x01, 0x00, 0x00, 0x66, 0x0F, 0x6E, 0xD8, 0xD9, 0xE8, 0xBB, 0x00, 0x01, 0x00, 0x00, 0xE6, 0x80,
            0x66, 0x0F, 0x7E, 0xD9, 0xDB, 0x1C, 0x25, 0x00, 0x60, 0x00, 0x00, 0x01, 0xCB, 0x03, 0x1C, 0x25, 0x00, 0x60, 0x00, 0x00,
            0x03, 0x1C, 0x25, 0x04, 0x60, 0x00, 0x00, 0x89, 0xD8, 0xE7, 0x80, 0xF4]);
        first.Guest.Memory.TryWrite(0x6004UL, 0x83u);
        first.StartLong();
        first.Next().Kind.ShouldBe(PacketKind.Io);
        first.Settle();

        using var second = new Machine(to);
        var page = new byte[4096];
        for (ulong at = first.Ram.Address; at < first.Ram.End; at += 4096)
        {
            first.Guest.Memory.TryRead(at, page.AsSpan()).ShouldBeTrue();
            if (page.AsSpan().ContainsAnyExcept((byte)0)) second.Load(page, at);
        }
        second.Vcpu.WriteState(first.State()).ShouldBe(Status.Ok);
        return second.Next().Data;
    }

    /// <summary>What <see cref="Move"/> answers.</summary>
    public const ulong Moved = 0x100 + 0x123 + 1 + 0x83;
}
