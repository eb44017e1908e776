using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Tests.CommandLine;

/// <summary>Any list of arguments gives a domain's configuration or a mistake with a name; nothing else.</summary>
public sealed class FuzzTests
{
    private const int Cases = 40_000;

    /// <summary>Words that command lines are made of, right and wrong ones.</summary>
    private static readonly string[] s_words =
    [
        "-machine", "-M", "-accel", "-cpu", "-smp", "-m", "-kernel", "-device", "-netdev", "-drive", "-blockdev", "-object", "-chardev", "-mon", "-monitor", "-qmp", "-serial", "-name",
        "-uuid", "-action", "-msg", "-nodefaults", "-nographic", "-S", "-daemonize", "-pidfile", "-display", "--vnc", "-usb", "-", "--", "", "disk",
        "xenpvh", "type=xenpvh,ram-low-size=1G", "soft,translate=off", "4,sockets=2,cores=2", "4096", "1.5G", "virtio-net-pci,netdev=n,id=c", "virtio-blk-pci,drive=d",
        "virtio-serial-pci,id=s", "virtconsole,chardev=c", "virtserialport,name=p,nr=3", "user,id=n,hostfwd=tcp::1-:2", "tap,id=n,ifname=t", "stream,id=n,addr.type=unix,addr.path=/x",
        "dgram,id=n,local.type=inet,local.host=::1,local.port=1,remote.type=inet,remote.host=::1,remote.port=2", "socket,id=n,listen=:1", "if=virtio,file=a,,b", "id=d,if=none,file=x",
        "file,node-name=f,filename=x", "qcow2,node-name=d,file=f", "{\"driver\":\"raw\",\"node-name\":\"d\",\"file\":{\"driver\":\"file\",\"filename\":\"x\"}}", "{", "{}", "[1]",
        "socket,id=c,path=/x,server=on,wait=off", "stdio,id=c,mux=on", "ringbuf,id=c,size=4k", "chardev=c,mode=control", "c", "mon:stdio", "unix:/x,server", "tcp:[::1]:4", "chardev:c",
        "none", "help", "=", ",", ",,", "a=,b==,,c", "no", "on", "\0", "é", "00000000-0000-0000-0000-000000000001", "panic=pause,shutdown=pause", "timestamp=on",
    ];

    [Fact]
    public void ListsOfWords()
    {
        var random = new Random(20_261_121);
        for (int i = 0; i < Cases; i++)
        {
            Check([.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => s_words[random.Next(s_words.Length)])]);
        }
    }

    [Fact]
    public void WordsWithBytesChanged()
    {
        var random = new Random(7);
        for (int i = 0; i < Cases; i++)
        {
            var word = new StringBuilder(s_words[random.Next(s_words.Length)]);
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = random.Next(word.Length + 1);
                if (random.Next(3) == 0 && at < word.Length) word.Remove(at, 1);
                else word.Insert(at, (char)(random.Next(8) == 0 ? random.Next(char.MaxValue + 1) : random.Next(' ', '~')));
            }
            Check([s_words[random.Next(20)], word.ToString()]);
        }
    }

    [Fact]
    public void AnyStringsAtAll() => Prop.ForAll<string[]>(static words => Check([.. words.Select(static word => word ?? "")])).QuickCheckThrowOnFailure();

    /// <summary>What is written with commas doubled is read as it was.</summary>
    [Fact]
    public void ValuesComeBack() => Prop.ForAll<NonNull<string>, NonNull<string>>(static (first, second) =>
    {
        OptionSet set = OptionSet.TryParse($"a={first.Get.Replace(",", ",,")},b={second.Get.Replace(",", ",,")}", null, out string? error).ShouldNotBeNull(error);
        set.Entries.ShouldBe([new("a", first.Get), new("b", second.Get)]);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void SizesAreReadInSteps() => Prop.ForAll<uint>(static number =>
    {
        foreach ((string suffix, int shift) in (ReadOnlySpan<(string, int)>)[("", 0), ("B", 0), ("k", 10), ("K", 10), ("M", 20), ("g", 30)])
        {
            OptionReader.TrySize($"{number}{suffix}", 1, out ulong size).ShouldBeTrue();
            size.ShouldBe((ulong)number << shift);
        }
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("1.5k", true, 1536)]
    [InlineData("0x10", true, 16)]
    [InlineData("18446744073709551615", true, ulong.MaxValue)]
    [InlineData("18446744073709551616", false, 0)]
    [InlineData("16E", false, 0)]
    [InlineData("-1", false, 0)]
    [InlineData("1.5", false, 0)]
    [InlineData("k", false, 0)]
    [InlineData("", false, 0)]
    [InlineData("1 M", false, 0)]
    public void SizesAtTheEdges(string text, bool isSize, ulong bytes) => (OptionReader.TrySize(text, 1, out ulong size), isSize ? size : 0).ShouldBe((isSize, bytes));

    private static void Check(string[] words)
    {
        VmmCommandLine? line = CommandLineParser.TryParse(words, out string? error);
        if (line is null) error.ShouldNotBeNullOrWhiteSpace(string.Join(' ', words));
        else error.ShouldBeNull();
    }
}
