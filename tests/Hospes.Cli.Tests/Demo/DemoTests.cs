using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Demo;
using Hospes.Machine;

namespace Hospes.Cli.Tests.Demo;

public sealed class DemoTests
{
    [Fact]
    public void APromptIsSeenHoweverTheConsoleIsCut() =>
        Prop.ForAll<PositiveInt[]>(static cuts =>
        {
            byte[] text = Encoding.ASCII.GetBytes("boot\r\naaba aab# ls\r\naaaab# x aab#aab# ");
            var inner = new Kept();
            int seen = 0;
            var watcher = new PromptWatcher(inner, "aab# ", () => seen++);
            int at = 0;
            foreach (int length in cuts.Select(static cut => cut.Get).Append(text.Length))
            {
                int end = Math.Min(text.Length, at + length);
                watcher.Write(text.AsSpan(at, end - at));
                at = end;
            }

            return seen == 3 && inner.Bytes.SequenceEqual(text);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("guest# \e[6nls\r\n", "guest# ls\r\n")]
    [InlineData("\e[6n\e[6n", "")]
    [InlineData("\e[7mbold\e[0m", "\e[7mbold\e[0m")]
    [InlineData("\e[\e[6n\e\e[6nx", "\e[\ex")]
    [InlineData("plain", "plain")]
    public void QuestionsForTheCursorAreTakenOutHoweverTheConsoleIsCut(string console, string expected)
    {
        for (int cut = 1; cut <= console.Length; cut++)
        {
            var inner = new Kept();
            var filter = new CursorQueryFilter(inner);
            foreach (char[] part in console.Chunk(cut)) filter.Write(Encoding.ASCII.GetBytes(part));
            Encoding.ASCII.GetString([.. inner.Bytes]).ShouldBe(expected, $"cut every {cut}");
        }
    }

    [Fact]
    public void APromptIsPassedOnBeforeItIsToldOf()
    {
        var inner = new Kept();
        int passed = 0;
        new PromptWatcher(inner, "# ", () => passed = inner.Bytes.Count).Write("a# b"u8);
        passed.ShouldBe(4);
    }

    [Fact]
    public void OneCommandIsTypedAtEachPromptAndTheLastPowersOff()
    {
        var typed = new List<string>();
        int leaving = 0;
        var script = new DemoScript(["uname", "nproc"], bytes => typed.Add(Encoding.UTF8.GetString(bytes)), () => leaving = typed.Count);
        for (int i = 0; i < 5; i++) script.OnPrompt();
        typed.ShouldBe(["uname\n", "nproc\n", "poweroff -f\n"]);
        leaving.ShouldBe(2);
    }

    [Fact]
    public void AScriptIsOneCommandALine() =>
        DemoScript.Parse("# first\r\nuname -a\n\n  nproc \n#last").ShouldBe(["uname -a", "nproc"]);

    [Fact]
    public void PhasesAddUpToTheWhole()
    {
        using var output = new StringWriter();
        var clock = new Steps();
        var phases = new PhaseClock(clock);
        clock.Now = TimeSpan.FromSeconds(1.5).Ticks;
        phases.End("one");
        clock.Now = TimeSpan.FromSeconds(2).Ticks;
        phases.End("two");
        phases.Phases.ShouldBe([("one", TimeSpan.FromSeconds(1.5)), ("two", TimeSpan.FromSeconds(0.5))]);
        phases.Show(new Surroundings { Out = output, Error = TextWriter.Null });
        string text = output.ToString();
        text.ShouldMatch(@"one\s+\|\s+1\.500 s");
        text.ShouldMatch(@"in all\s+\|\s+2\.000 s");
        text.ShouldNotContain("\e");
    }

    [Theory]
    [InlineData("hospes: --script '/nowhere' cannot be read", "--script", "/nowhere")]
    [InlineData("hospes: there is no image 'debian:1'; choose one of", "--image", "debian:1")]
    [InlineData("hospes: --vcpus '0' is not a whole number from 1 to 255; see 'hospes demo --help'", "--vcpus", "0")]
    [InlineData("hospes: --engine 'steam' is no engine; choose one of auto, soft, kvm; see 'hospes demo --help'", "--engine", "steam")]
    public async Task BadArgumentsAreNamed(string expected, params string[] arguments)
    {
        Ran ran = await HospesProgram.InProcessAsync(["demo", .. arguments]);
        ran.Status.ShouldBe(2);
        ran.Error.ShouldStartWith(expected);
        ran.Error.Count(static letter => letter == '\n').ShouldBe(1);
    }

    private sealed class Kept : IConsoleSink
    {
        public List<byte> Bytes { get; } = [];

        public void Write(ReadOnlySpan<byte> bytes) => Bytes.AddRange(bytes);
    }

    private sealed class Steps : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }
}
