using System.Globalization;
using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Writes the profiles of a guest's processors for people: what left emitted code and why, and the traces where most instructions were executed.</summary>
internal static class ProfileReport
{
    private const int HottestShown = 60, InstructionsShown = 30;

    /// <summary>Adds one processor's profile.</summary>
    public static void Write(TextWriter to, int vcpu, Profile profile)
    {
        long all = 0;
        foreach (Profile.Entry trace in profile.Traces) all += Weight(trace);
        to.WriteLine(Invariant($"processor {vcpu}: {profile.Traces.Count} traces translated in {profile.Translating.TotalMilliseconds:F0} ms; {profile.Invalidations} made invalid, everything dropped {profile.Resets} times"));
        to.WriteLine(Invariant($"instructions in traces that were entered: {all}"));
        to.WriteLine();
        to.WriteLine("left emitted code      times");
        foreach (ExitReason reason in Enum.GetValues<ExitReason>()) to.WriteLine(Invariant($"  {Name(reason),-16} {profile.Exits[(int)reason],10}"));
        to.WriteLine();
        to.WriteLine("for the handler of     times");
        foreach ((Code code, long count) in profile.Interpreted.OrderByDescending(static pair => pair.Value).Take(InstructionsShown)) to.WriteLine(Invariant($"  {code,-16} {count,10}"));
        to.WriteLine();
        to.WriteLine("looked up              times");
        foreach (((ulong rip, string why), long count) in profile.LookUps.OrderByDescending(static pair => pair.Value).Take(InstructionsShown)) to.WriteLine(Invariant($"  {rip:x16} {why,-8} {count,10}"));
        to.WriteLine();
        foreach (Profile.Entry trace in profile.Traces.OrderByDescending(Weight).Take(HottestShown))
        {
            if (trace.Runs == 0) break;
            to.WriteLine(Invariant($"{100.0 * Weight(trace) / Math.Max(all, 1):F1} %  {trace.Rip:x16} {(trace.IsUser ? "user" : "kernel")}: entered {trace.Runs} times ({trace.PlainRuns} without windows), {trace.Instructions} instructions, {trace.Blocks} blocks, {trace.HostCode.Length} bytes of host code"));
            foreach (string line in trace.Text) to.WriteLine($"    {line}");
            WriteHost(to, trace);
        }
    }

    private static long Weight(Profile.Entry trace) => trace.Runs * trace.Instructions;

    private static string Name(ExitReason reason) => reason switch
    {
        ExitReason.Branch => "branch unlinked",
        ExitReason.LookUp => "look-up or event",
        ExitReason.Indirect => "indirect unknown",
        ExitReason.Memory => "TLB miss",
        ExitReason.Interpret => "handler",
        ExitReason.Vectors => "vectors loaded",
        _ => "no window",
    };

    private static void WriteHost(TextWriter to, Profile.Entry trace)
    {
        var bytes = new CodeBytes();
        bytes.Load(trace.HostCode.AsSpan(0, Math.Min(trace.HostCode.Length, CodeBytes.Capacity)));
        Decoder decoder = Decoder.Create(64, bytes);
        decoder.IP = trace.HostAddress;
        var formatter = new IntelFormatter();
        var output = new StringOutput();
        to.WriteLine("    as host code:");
        while (bytes.Position < bytes.Bytes.Length)
        {
            decoder.Decode(out Instruction instruction);
            if (instruction.IsInvalid) break;
            formatter.Format(instruction, output);
            to.WriteLine(Invariant($"        {instruction.IP - trace.HostAddress:x4}  {output.ToStringAndReset()}"));
        }
        to.WriteLine();
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
