using Hospes.Storage.Boot;
using Hospes.Storage.Partitions;
using Hospes.Storage.Tests.Boot;
using Hospes.Storage.Tests.Kit;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Tests.Volumes;

/// <summary>
/// Damaged file systems, partition tables and scripts: every answer is a value, within its budget. <c>HOSPES_FUZZ_CASES</c> asks for
/// more cases than the ordinary run has, <c>HOSPES_FUZZ_FIRST</c> goes straight to one.
/// </summary>
public sealed class VolumeFuzzTests
{
    private const long Work = 8 << 20, Memory = 1 << 20;

    private static readonly string[] s_paths = ["/a/b/c/deep", "/long", "/absolute/c/deep", "/sparse", "/bytes-5000", "/bytes-60", "/bytes-100", "/a/up", "/circle-1", "/many/a file with quite a long name, number 9"];

    private static readonly Lazy<List<Seed>> s_seeds = new(MakeSeeds);

    /// <summary>An image that is changed in place and put right again, and the places in it that are not zero.</summary>
    private sealed record Seed(byte[] Image, int[] Places);

    [Fact]
    public void DamagedFileSystemsAreRefusedOrReadWithinTheirBudget()
    {
        int opened = 0, cases = Number("HOSPES_FUZZ_CASES", 4000);
        Each(cases, random =>
        {
            Seed seed = s_seeds.Value[random.Next(s_seeds.Value.Count)];
            List<(int At, byte Before)> changes = Mutate(seed, random);
            if (Use(new ByteDisk(seed.Image), random)) opened++;
            for (int i = changes.Count - 1; i >= 0; i--) seed.Image[changes[i].At] = changes[i].Before;
        });
        // The changes must leave enough to work on, or they test only the superblock.
        opened.ShouldBeGreaterThan(cases / 4);
    }

    [Fact]
    public void DamagedScriptsEndWithinTheirBudget()
    {
        string[] scripts = [DebianScript.Text, "set a='x y'; for i in $a 1 2; do while [ $i != 3 -a ! -e /f ]; do set i=3; done; done; function f { return $1; }; if f 0; then menuentry t --id 'u' { linux /v $a; initrd /i }; fi"];
        string[] pieces = ["'", "\"", "$", "${", "}", "{", "\\", "\n", ";", " ", "if ", "then ", "fi\n", "while true; do ", "done\n", "menuentry x { ", "submenu y { ", "function f { ", "f\n", "source /boot/grub/grub.cfg\n", "set a=$a$a$a\n", "[ ", " ]", "! ", "( ", " -a ", "blscfg\n", "return\n", "$1", "\0", "\uFFFD"];
        Each(Number("HOSPES_FUZZ_CASES", 2000), random =>
        {
            var text = new System.Text.StringBuilder(scripts[random.Next(scripts.Length)]);
            for (int i = random.Next(1, 12); i > 0; i--)
            {
                int at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0: text.Insert(at, pieces[random.Next(pieces.Length)]); break;
                    case 1: text.Remove(at, Math.Min(random.Next(1, 40), text.Length - at)); break;
                    default: text.Insert(at, text.ToString(at, Math.Min(random.Next(1, 60), text.Length - at))); break;
                }
            }

            var disk = new FakeDisk();
            disk.First["/loader/entries/a.conf"] = "linux /vmlinuz\noptions $a";
            BootMenu menu = disk.Grub(text.ToString());
            ((menu.Why is null) == (menu.Entries.Count > 0)).ShouldBeTrue();
            menu.Default.ShouldBeInRange(-1, menu.Entries.Count - 1);
        });
    }

    private static void Each(int cases, Action<Random> one)
    {
        int first = Number("HOSPES_FUZZ_FIRST", 0);
        for (int i = first; i < first + cases; i++)
        {
            try
            {
                one(new Random(i));
            }
            catch (Exception fault)
            {
                throw new Xunit.Sdk.XunitException($"case {i}: {fault}");
            }
        }
    }

    private static int Number(string variable, int whenAbsent) => int.TryParse(Environment.GetEnvironmentVariable(variable), out int number) ? number : whenAbsent;

    private static bool Use(ByteDisk disk, Random random)
    {
        var budget = new ReadBudget(Work, Memory);
        Volume whole = Volume.Whole(disk, budget);
        PartitionTable.Read(whole, out PartitionTable table);
        foreach (Partition partition in table.Partitions) (partition.Start >= 0 && partition.Length > 0 && partition.Start + partition.Length <= disk.Size).ShouldBeTrue();
        VolumeError error = BootDisk.TryOpen(table.Partitions.Count == 0 ? whole : whole.Part(table.Partitions[0].Start, table.Partitions[0].Length), out IFileSystem? files);
        ((files is null) == (error != VolumeError.None)).ShouldBeTrue();
        if (files is null) return false;
        for (int i = 0; i < 3; i++)
        {
            error = files.ReadFile(s_paths[random.Next(s_paths.Length)], 500_000, out byte[] content);
            (error == VolumeError.None || content.Length == 0).ShouldBeTrue();
            content.Length.ShouldBeLessThanOrEqualTo(500_000);
        }

        files.List(random.Next(2) == 0 ? "/" : "/many", out IReadOnlyList<string> names);
        if (names.Count > 0) files.Find("/" + names[random.Next(names.Count)], out _);
        (budget.WorkLeft >= 0 && budget.MemoryLeft >= 0).ShouldBeTrue();
        return true;
    }

    /// <summary>Changes bytes, mostly where there are some, to values that such places have elsewhere, or to the ends of ranges.</summary>
    private static List<(int At, byte Before)> Mutate(Seed seed, Random random)
    {
        var changes = new List<(int, byte)>();
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            int at = random.Next(8) == 0 ? random.Next(seed.Image.Length - 8) : seed.Places[random.Next(seed.Places.Length)];
            int width = 1 << random.Next(4);
            at = Math.Min(at & -width, seed.Image.Length - width);
            int source = seed.Places[random.Next(seed.Places.Length)] & -width;
            int kind = random.Next(5);
            for (int j = 0; j < width; j++)
            {
                changes.Add((at + j, seed.Image[at + j]));
                seed.Image[at + j] = kind switch { 0 => 0xFF, 1 => 0, 2 => (byte)random.Next(256), 3 => (byte)(seed.Image[at + j] ^ (1 << random.Next(8))), _ => seed.Image[Math.Min(source + j, seed.Image.Length - 1)] };
            }
        }

        return changes;
    }

    private static List<Seed> MakeSeeds()
    {
        using var scratch = new Scratch();
        string root = ExtImages.Populate(scratch, 40);
        var seeds = new List<Seed>();
        foreach (string options in (string[])["-t ext2 -b 1024 -N 128", "-t ext4 -b 1024 -N 128 -O ^metadata_csum,^has_journal", "-t ext4 -b 1024 -N 128 -O ^metadata_csum,^has_journal,inline_data,meta_bg,^resize_inode -g 512", "-t ext4 -b 1024 -N 128 -O ^has_journal", "-t ext4 -b 2048 -N 128 -O ^metadata_csum -J size=2"])
        {
            string image = ExtImages.Make(scratch, $"seed-{seeds.Count}", options.Contains("-J", StringComparison.Ordinal) ? "5M" : "2M", root, options.Split(' '));
            if (options.Contains("-J", StringComparison.Ordinal))
            {
                // The folders once more, out of the journal.
                File.WriteAllBytes(scratch.At("block"), Bytes.Random(3, 2048));
                string blocks = scratch.Run("debugfs", 0, "-R", "blocks /bytes-5000", image).Split('\n').First(static line => line.Length > 0 && char.IsAsciiDigit(line[0])).Trim();
                File.WriteAllBytes(scratch.At("copies"), Bytes.Random(6, 2048 * blocks.Split(' ').Length));
                ExtImages.Debug(scratch, image, "jo", $"jw -b {blocks.Replace(' ', ',')} {scratch.At("copies")}", $"jw -r {blocks.Split(' ')[0]}", "jc");
            }

            byte[] bytes = File.ReadAllBytes(image);
            // The content of files is of no interest: only what stands in the first blocks and where few bytes are set.
            int[] places = [.. Enumerable.Range(0, bytes.Length).Where(at => bytes[at] != 0 && (at < 64 << 10 || IsSparse(bytes, at)))];
            seeds.Add(new Seed(bytes, places));
        }

        foreach (string options in (string[])["-F 12 -s 1", "-F 16 -s 1"])
        {
            string image = FatTests.Make(scratch, $"fat-{seeds.Count}", options.Contains("16", StringComparison.Ordinal) ? 4 << 20 : 1 << 20, options);
            byte[] bytes = File.ReadAllBytes(image);
            seeds.Add(new Seed(bytes, [.. Enumerable.Range(0, bytes.Length).Where(at => bytes[at] != 0 && IsSparse(bytes, at))]));
        }

        // The first of them once more, behind tables of both kinds.
        foreach (string script in (string[])["label: gpt\nstart=64, size=4096\nsize=64", "label: dos\ndisk1 : start=64, size=4096, type=83\ndisk2 : start=4200, size=800, type=5\ndisk5 : size=100, type=83\ndisk6 : size=100, type=83"])
        {
            byte[] disk = new byte[3 << 20];
            File.WriteAllBytes(scratch.At("disk"), disk);
            File.WriteAllText(scratch.At("script"), script);
            scratch.Run("sh", 0, "-c", "sfdisk -q disk <script");
            disk = File.ReadAllBytes(scratch.At("disk"));
            int[] places = [.. Enumerable.Range(0, disk.Length).Where(at => disk[at] != 0)];
            seeds[0].Image.CopyTo(disk, 64 * 512);
            seeds.Add(new Seed(disk, places));
        }

        return seeds;

        static bool IsSparse(byte[] bytes, int at) => bytes.AsSpan(at & ~1023, 1024).Count((byte)0) > 300;
    }
}
